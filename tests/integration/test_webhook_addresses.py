"""No delivery reaches the internal network: hostile addresses are refused in the same way, without a connection."""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.core import outbound
from app.core.errors import Misconfigured
from app.core.outbound import AddressRefused, allowed_by, destination_of, is_public, judge
from tests.installation import House, Json
from tests.receivers import LOOPBACK, Canary, answers, canary, guarded_by, letting, receiver, sender
from tests.story import Dispute
from tests.webhooks import deliveries, path_of, retitle, subscribe

PUBLIC = "93.184.215.14"
# `{port}` is the port of the canary; the resolver below knows the names.
HOSTILE = (
    "http://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "https://localhost:{port}/",
    "https://LOCALHOST:{port}/",
    "https://localhost.:{port}/",
    "https://[::1]:{port}/",
    "https://[::]:{port}/",
    "https://0.0.0.0:{port}/",
    "https://0:{port}/",
    "https://127.1:{port}/",
    "https://127.0.1:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.0.0.1:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://017700000001:{port}/",
    "https://127.0.0.01:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://１２７.０.０.１:{port}/",
    "https://127。0。0。1:{port}/",
    "https://①②⑦.⓪.⓪.①:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[64:ff9b::7f00:1]:{port}/",
    "https://[64:ff9b:1::7f00:1]:{port}/",
    "https://[2002:7f00:1::]:{port}/",
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]:{port}/",
    "https://[fe80::1]:{port}/",
    "https://[fe80::1%25lo]:{port}/",
    "https://[fc00::1]:{port}/",
    "https://[ff02::1]:{port}/",
    "https://[2001:db8::1]:{port}/",
    "https://10.0.0.1:{port}/",
    "https://172.16.0.1:{port}/",
    "https://192.168.0.1:{port}/",
    "https://169.254.169.254:{port}/latest/meta-data/",
    "https://100.64.0.1:{port}/",
    "https://192.0.0.8:{port}/",
    "https://198.18.0.1:{port}/",
    "https://224.0.0.1:{port}/",
    "https://240.0.0.1:{port}/",
    "https://255.255.255.255:{port}/",
    "https://loopback.example:{port}/",
    "https://private.example:{port}/",
    "https://metadata.example:{port}/",
    "https://mixed.example:{port}/",
    "https://sixth.example:{port}/",
    "https://mapped.example:{port}/",
    "https://nowhere.example:{port}/",
    "https://nothing.example:{port}/",
    "https://public.example@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}@public.example/",
    "https://@127.0.0.1:{port}/",
    "https://public.example:{port}\\@127.0.0.1/",
    "https://public.example#@127.0.0.1:{port}/",
    "https://public.example.:{port}/",
    "https://public.example:22/",
    "https://public.example:0/",
    "https://public.example:99999/",
    "https://public.example:/",
    "https:///public.example/",
    "https:/public.example/",
    "https:public.example",
    "https://public.example/a b",
    "https://public.example/\u00e9",
    "https://pub%6cic.example/",
    "https://-public.example/",
    "https://xn--a.xn--\u00e9/",
    "https://public..example/",
    "https://",
    "//public.example/",
    "public.example",
    "http://public.example/",
    "ftp://public.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "javascript:alert(1)",
)
NAMES = {
    "public.example": [PUBLIC],
    "localhost": [LOOPBACK],
    "localhost.": [LOOPBACK],
    "loopback.example": [LOOPBACK],
    "private.example": ["10.0.0.7"],
    "metadata.example": ["169.254.169.254"],
    "mixed.example": [PUBLIC, LOOPBACK],
    "sixth.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nothing.example": [],
}


@pytest.fixture
def bird(monkeypatch: pytest.MonkeyPatch) -> Iterator[Canary]:
    """A listener on an allowed port, which only the check of addresses protects."""
    with canary() as listener:
        monkeypatch.setattr(outbound, "PORTS", {"https": (443, 8443, listener.port), "http": (listener.port,)})
        yield listener


def test_hostile_addresses_are_refused_in_the_same_way_without_a_connection(house: House, bird: Canary) -> None:
    assert len(HOSTILE) >= 40
    refusals = set()
    with guarded_by(house, letting(names=NAMES)):
        for url in HOSTILE:
            answer = house.registrar.post("/v1/webhooks", {"url": url.format(port=bird.port)})
            problem = answer.expect(422, "invalid")
            refusals.add(str({**problem, "request_id": ""}))
            assert LOOPBACK not in answer.response.text
        # The answer is the same whether the port is open or closed.
        house.registrar.post("/v1/webhooks", {"url": "https://127.0.0.1:1/"}).expect(422, "invalid")
        made = subscribe(house.registrar, f"https://public.example:{bird.port}/")
        for url in HOSTILE[:10]:
            changed = {"url": url.format(port=bird.port)}
            house.registrar.patch(path_of(made), changed, if_match="*").expect(422, "invalid")
        assert house.registrar.get("/v1/webhooks").expect(200)["items"] == [
            {name: value for name, value in made.items() if name != "secret"}
        ]
    assert len(refusals) == 1
    assert bird.connections == 0


def test_a_name_that_later_resolves_to_an_internal_address_is_refused_at_each_delivery(
    house: House, bird: Canary
) -> None:
    names = {"rebinding.example": [PUBLIC]}
    dispute = Dispute(house)
    dispute.lodged()
    with guarded_by(house, letting(names=names)):
        made = subscribe(dispute.requesting, f"https://rebinding.example:{bird.port}/")
        for address in (LOOPBACK, "10.0.0.7", "::1", "::ffff:127.0.0.1", "169.254.169.254"):
            names["rebinding.example"] = [address]
            retitle(dispute, f"To {address}")
            sender(house).settle()
            house.clock.pass_by(days=6)
        names["rebinding.example"] = []
        sender(house).settle()
        attempts = [delivery["attempts"] for delivery in deliveries(dispute.requesting, made)]
    outcomes = {(attempt["status"], attempt["error"], attempt["body"]) for each in attempts for attempt in each}
    assert outcomes == {(None, "address-refused", None)}
    assert bird.connections == 0


def test_the_connection_goes_to_the_address_that_was_checked(house: House) -> None:
    asked = []
    dispute = Dispute(house)
    dispute.lodged()

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [LOOPBACK]

    with receiver() as there, guarded_by(house, replace(letting(LOOPBACK), resolve=resolve)):
        subscribe(dispute.requesting, f"http://receiver.example:{there.port}/a?b=c")
        retitle(dispute, "Another")
        sender(house).settle()
    # Resolved once at the creation and once at the delivery; the connection itself resolves nothing.
    assert asked == ["receiver.example"] * 2
    assert there.received[0].headers["host"] == f"receiver.example:{there.port}"


def test_redirects_are_not_followed_and_no_proxy_is_used(
    house: House, bird: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{LOOPBACK}:{bird.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    dispute = Dispute(house)
    dispute.lodged()
    with receiver() as there, guarded_by(house, letting(f"{LOOPBACK}/32")):
        there.once = [answers(307, location=f"http://{LOOPBACK}:{bird.port}/inside")]
        made = subscribe(dispute.requesting, there.url)
        retitle(dispute, "Another")
        sender(house).settle()
    (delivery,) = deliveries(dispute.requesting, made)
    assert [(each["status"], each["error"]) for each in delivery["attempts"]] == [(307, "redirect")]
    assert bird.connections == 0


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e", "100.128.0.1"],
)
def test_public_addresses_are_recognised(address: str) -> None:
    assert is_public(ip_address(address))


def test_only_internal_addresses_that_the_operator_allows_receive_deliveries() -> None:
    allowed = allowed_by("cms.internal, 10.1.0.0/16,fd00::/8 , 192.0.2.7")
    for url, addresses in (
        ("http://cms.internal:8080/hook", ["192.168.7.7"]),
        ("http://10.1.2.3/", ["10.1.2.3"]),
        ("http://inside.example:81/", ["10.1.2.3", "fd00::7"]),
        ("https://192.0.2.7:9/", ["192.0.2.7"]),
        ("https://both.example/", ["10.1.2.3", PUBLIC]),
        ("https://other.example:8443/x?y=%20", [PUBLIC]),
        ("https://bücher.example/", [PUBLIC]),
    ):
        assert judge(destination_of(url), addresses, allowed).addresses == tuple(addresses)
    for url, addresses in (
        ("http://10.2.0.1/", ["10.2.0.1"]),
        ("http://other.internal/", ["192.168.7.7"]),
        ("http://both.example/", ["10.1.2.3", PUBLIC]),
        ("https://both.example:81/", ["10.1.2.3", PUBLIC]),
        ("https://three.example/", ["10.1.2.3", "10.2.0.1"]),
        ("https://cms.internal.example/", ["192.168.7.7"]),
    ):
        with pytest.raises(AddressRefused):
            judge(destination_of(url), addresses, allowed)
    for wrong in ("10.1.0.1/16", "http://cms.internal", "127.1", "a b"):
        with pytest.raises(Misconfigured):
            allowed_by(wrong)
    assert destination_of("https://bücher.example/").host == "xn--bcher-kva.example"


def _certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A certificate for that name to serve with, and a context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    kept = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(kept + certificate)
    serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serves.load_cert_chain(folder / "key.pem")
    return serves, ssl.create_default_context(cadata=certificate.decode())


def test_the_receivers_certificate_must_match_its_name_and_be_trusted(house: House, tmp_path: Path) -> None:
    serves, trusts = _certificate(tmp_path, "receiver.example")
    names = {"receiver.example": [LOOPBACK], "other.example": [LOOPBACK]}
    dispute = Dispute(house)
    dispute.lodged()
    errors: list[Json] = []
    with receiver(tls=serves) as there:
        guard = letting(LOOPBACK, names=names)
        for guarding, host in (
            (replace(guard, tls=trusts), "receiver.example"),
            (replace(guard, tls=trusts), "other.example"),
            (guard, "receiver.example"),
        ):
            with guarded_by(house, guarding):
                made = subscribe(dispute.requesting, f"https://{host}:{there.port}/")
                retitle(dispute, f"By {host} {len(errors)}")
                sender(house).settle()
                (delivery,) = deliveries(dispute.requesting, made)
                errors.append(delivery["attempts"][0])
                dispute.requesting.patch(path_of(made), {"state": "paused"}, if_match="*").expect(200)
    assert [(fault["status"], fault["error"]) for fault in errors] == [
        (204, None),
        (None, "tls-failed"),
        (None, "tls-failed"),
    ]
    assert len(there.received) == 1
