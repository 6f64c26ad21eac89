// Reads a case, and what its reader was told of it, by a client whose types are made from the OpenAPI document.

import createClient from "openapi-fetch";

import type { operations, paths, webhooks } from "./api.js";

type StepTaken = webhooks["step-taken"]["post"]["requestBody"]["content"]["application/cloudevents+json"];

function isStepTaken(event: { type: string }): event is StepTaken {
  return event.type === "step-taken";
}

// Every upload is kept, with a file as its body.
type Upload = "uploadDocument" | "uploadText" | "uploadOrder";
type File = operations[Upload]["requestBody"]["content"]["application/octet-stream"];
const file: File = "%PDF-1.7";

const [, , baseUrl, token, caseId] = process.argv;
if (baseUrl === undefined || token === undefined || caseId === undefined) {
  throw new Error("read-a-case.js BASE-URL TOKEN CASE-ID");
}

const accord = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const params = { path: { case_id: caseId } };

const read = await accord.GET("/v1/cases/{case_id}", { params });
if (read.error !== undefined) {
  const problem = read.error;
  throw new Error("code" in problem ? problem.code : "not read");
}
// @ts-expect-error A case has no such field, and the compiler knows.
const nothing: unknown = read.data.titel;

const feed = await accord.GET("/v1/events", { params: { query: { case: caseId, limit: 100 } } });
const steps = feed.data?.items.filter(isStepTaken).map((event) => event.data.act);

console.log(JSON.stringify({ title: read.data.title, stage: read.data.stage, steps, nothing, file: file.length }));
