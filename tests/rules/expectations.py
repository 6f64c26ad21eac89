"""The expected answers of each rule set, written by hand: the files and the code are compared with them."""

from dataclasses import dataclass

CAPACITIES = ("requesting-party", "responding-party", "registry", "mediator")
OTHERS = ("appointing-authority", "clock", "court")


@dataclass(frozen=True)
class Expectation:
    """The stages of a rule set, each with its letter, and for each step and capacity one letter a stage.

    A letter names the stage to which the step leads from there if every need is met and every other party has acted;
    `-` says that the step is not open at that stage, `x` that it is not open to that capacity. `others` has the letters
    of the steps of other capacities, each line with the capacity.
    """

    stages: dict[str, str]
    table: str
    others: str = ""

    def rows(self) -> list[tuple[str, str, str]]:
        """Step, capacity and letters."""
        rows = [
            (step, capacity, letters)
            for step, *cells in (line.split() for line in self.table.strip().splitlines())
            for capacity, letters in zip(CAPACITIES, cells, strict=True)
        ]
        return rows + [(step, capacity, letters) for step, capacity, letters in self._others()]

    def taken_by_others(self) -> set[tuple[str, str]]:
        """The steps that a capacity without its own column takes, with the capacity."""
        return {(step, capacity) for step, capacity, _letters in self._others()}

    def _others(self) -> list[list[str]]:
        return [line.split() for line in self.others.strip().splitlines()]

    def steps(self) -> list[str]:
        """The steps, in the order of the table."""
        return [line.split()[0] for line in self.table.strip().splitlines()]


EXPECTED = {
    "iomed-state-2025": Expectation(
        {
            "draft": "d",
            "lodged": "l",
            "invited": "i",
            "consented": "c",
            "screened": "s",
            "registered": "r",
            "mediating": "m",
            "settling": "t",
            "closed": "z",
        },
        # dlicsrmtz: requesting party, responding party, registry, mediator
        """
        lodge                 l--------  xxxxxxxxx  xxxxxxxxx  xxxxxxxxx
        invite                xxxxxxxxx  xxxxxxxxx  -i-------  xxxxxxxxx
        accept-invitation     xxxxxxxxx  --c------  --c------  xxxxxxxxx
        join                  -licsrmt-  ---csrmt-  xxxxxxxxx  xxxxxxxxx
        decline-invitation    xxxxxxxxx  --z------  xxxxxxxxx  xxxxxxxxx
        lapse                 xxxxxxxxx  xxxxxxxxx  --z------  xxxxxxxxx
        screen                xxxxxxxxx  xxxxxxxxx  --ss-----  xxxxxxxxx
        declare-inadmissible  xxxxxxxxx  xxxxxxxxx  -zzz-----  xxxxxxxxx
        register              xxxxxxxxx  xxxxxxxxx  ----r----  xxxxxxxxx
        nominate              -----r-t-  -----r-t-  -----r-t-  xxxxxxxxx
        confirm-mediator      xxxxxxxxx  xxxxxxxxx  -----m-t-  xxxxxxxxx
        resign                xxxxxxxxx  xxxxxxxxx  xxxxxxxxx  ------rt-
        replace-mediator      xxxxxxxxx  xxxxxxxxx  ------rt-  xxxxxxxxx
        hold-session          xxxxxxxxx  xxxxxxxxx  xxxxxxxxx  ------mt-
        freeze-text           xxxxxxxxx  xxxxxxxxx  xxxxxxxxx  ------tt-
        sign                  -------z-  -------z-  xxxxxxxxx  xxxxxxxxx
        withdraw              zzzzzzzz-  ---zzzzz-  xxxxxxxxx  xxxxxxxxx
        terminate             -----zzz-  -----zzz-  -----zzz-  -----zzz-
        """,
    ),
    "uncitral-2021": Expectation(
        {
            "draft": "d",
            "lodged": "l",
            "invited": "i",
            "agreed": "a",
            "mediating": "m",
            "settling": "t",
            "closed": "z",
        },
        # dliamtz: requesting party, responding party, registry, mediator
        """
        lodge                 l------  xxxxxxx  xxxxxxx  xxxxxxx
        invite                xxxxxxx  xxxxxxx  -i-----  xxxxxxx
        accept-invitation     xxxxxxx  --a----  --a----  xxxxxxx
        join                  -liamt-  ---amt-  xxxxxxx  xxxxxxx
        decline-invitation    xxxxxxx  --z----  xxxxxxx  xxxxxxx
        lapse                 --z----  xxxxxxx  xxxxxxx  xxxxxxx
        nominate              ---a-t-  ---a-t-  ---a-t-  xxxxxxx
        confirm-mediator      xxxxxxx  xxxxxxx  ---m-t-  xxxxxxx
        resign                xxxxxxx  xxxxxxx  xxxxxxx  ----at-
        replace-mediator      xxxxxxx  xxxxxxx  ----at-  xxxxxxx
        hold-session          xxxxxxx  xxxxxxx  xxxxxxx  ----mt-
        freeze-text           xxxxxxx  xxxxxxx  xxxxxxx  ----tt-
        sign                  -----z-  -----z-  xxxxxxx  xxxxxxx
        withdraw              zzzzzz-  ---zzz-  xxxxxxx  xxxxxxx
        terminate             ---zzz-  ---zzz-  ---zzz-  ---zzz-
        """,
    ),
}

# The tables of these are compared with the rules only, and not played over HTTP stage by stage.
MORE = {
    "icsid-2022": Expectation(
        {
            "draft": "d",
            "lodged": "l",
            "invited": "i",
            "accepted": "a",
            "registered": "r",
            "appointment-requested": "q",
            "transmitted": "f",
            "mediating": "m",
            "vacant": "v",
            "settling": "t",
            "closed": "z",
        },
        # dliarqfmvtz: requesting party, responding party, registry, mediator
        """
        lodge                     l----------  xxxxxxxxxxx  xxxxxxxxxxx  xxxxxxxxxxx
        invite                    xxxxxxxxxxx  xxxxxxxxxxx  -i---------  xxxxxxxxxxx
        accept-invitation         xxxxxxxxxxx  --a--------  --a--------  xxxxxxxxxxx
        join                      -liarqfmvt-  ---arqfmvt-  xxxxxxxxxxx  xxxxxxxxxxx
        decline-invitation        xxxxxxxxxxx  --z--------  xxxxxxxxxxx  xxxxxxxxxxx
        lapse                     xxxxxxxxxxx  xxxxxxxxxxx  --z--------  xxxxxxxxxxx
        declare-inadmissible      xxxxxxxxxxx  xxxxxxxxxxx  -zzz-------  xxxxxxxxxxx
        register                  xxxxxxxxxxx  xxxxxxxxxxx  ---r-------  xxxxxxxxxxx
        agree-number              ----r------  ----r------  xxxxxxxxxxx  xxxxxxxxxxx
        default-to-one-mediator   xxxxxxxxxxx  xxxxxxxxxxx  xxxxxxxxxxx  xxxxxxxxxxx
        request-appointment       ----q---q--  ----q---q--  xxxxxxxxxxx  xxxxxxxxxxx
        nominate                  ----rq--vt-  ----rq--vt-  ----rq--vt-  xxxxxxxxxxx
        confirm-mediator          xxxxxxxxxxx  xxxxxxxxxxx  ----ff--ft-  xxxxxxxxxxx
        submit-initial-statement  ------f----  ------f----  xxxxxxxxxxx  xxxxxxxxxxx
        resign                    xxxxxxxxxxx  xxxxxxxxxxx  xxxxxxxxxxx  ------vv-t-
        replace-mediator          xxxxxxxxxxx  xxxxxxxxxxx  ------vv-t-  xxxxxxxxxxx
        hold-session              xxxxxxxxxxx  xxxxxxxxxxx  xxxxxxxxxxx  ------mm-t-
        freeze-text               xxxxxxxxxxx  xxxxxxxxxxx  xxxxxxxxxxx  -------t-t-
        sign                      ---------z-  ---------z-  xxxxxxxxxxx  xxxxxxxxxxx
        call-advance              xxxxxxxxxxx  xxxxxxxxxxx  ----rqfmvt-  xxxxxxxxxxx
        record-payment            xxxxxxxxxxx  xxxxxxxxxxx  ----rqfmvt-  xxxxxxxxxxx
        withdraw                  zzzzrqfmvt-  ---zrqfmvt-  xxxxxxxxxxx  xxxxxxxxxxx
        end-on-withdrawal         xxxxxxxxxxx  xxxxxxxxxxx  ----zzzzzz-  ----zzzzzz-
        terminate                 ----zzzzzz-  ----zzzzzz-  ----zzzzzz-  ------zz-z-
        terminate-by-notice       xxxxxxxxxxx  xxxxxxxxxxx  ----z------  xxxxxxxxxxx
        """,
        """
        default-to-one-mediator  clock                 ----r------
        nominate                 appointing-authority  -----q-----
        confirm-mediator         appointing-authority  -----f-----
        """,
    ),
    "icc-2014": Expectation(
        {
            "draft": "d",
            "lodged": "l",
            "invited": "i",
            "agreed": "a",
            "commenced": "c",
            "appointed": "p",
            "conducting": "n",
            "replacing": "v",
            "settling": "t",
            "closed": "z",
        },
        # dliacpnvtz: requesting party, responding party, registry, mediator
        """
        lodge                      l---------  xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx
        invite                     xxxxxxxxxx  xxxxxxxxxx  -i--------  xxxxxxxxxx
        accept-invitation          xxxxxxxxxx  --a-------  --a-------  xxxxxxxxxx
        join                       -liacpnvt-  ---acpnvt-  xxxxxxxxxx  xxxxxxxxxx
        decline-invitation         xxxxxxxxxx  --z-------  xxxxxxxxxx  xxxxxxxxxx
        lapse                      xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx
        register                   xxxxxxxxxx  xxxxxxxxxx  ---c------  xxxxxxxxxx
        nominate                   ----c--vt-  ----c--vt-  ----c--vt-  xxxxxxxxxx
        confirm-mediator           xxxxxxxxxx  xxxxxxxxxx  ----p--nt-  xxxxxxxxxx
        object-to-mediator         -----pn---  -----pn---  xxxxxxxxxx  xxxxxxxxxx
        resign                     xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  -----cv-t-
        replace-mediator           xxxxxxxxxx  xxxxxxxxxx  -----cv-t-  xxxxxxxxxx
        note-on-conduct            xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  -----n----
        hold-session               xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  -----pn-t-
        freeze-text                xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  ------t-t-
        sign                       --------z-  --------z-  xxxxxxxxxx  xxxxxxxxxx
        withdraw                   zzzz--zzz-  ------zzz-  xxxxxxxxxx  xxxxxxxxxx
        note-payment-due           xxxxxxxxxx  xxxxxxxxxx  ----cpnvt-  xxxxxxxxxx
        record-payment             xxxxxxxxxx  xxxxxxxxxx  ----cpnvt-  xxxxxxxxxx
        terminate                  xxxxxxxxxx  xxxxxxxxxx  ----z--z--  -----zz-z-
        terminate-at-time-limit    xxxxxxxxxx  xxxxxxxxxx  ----zzzzz-  xxxxxxxxxx
        terminate-for-non-payment  xxxxxxxxxx  xxxxxxxxxx  ----zzzzz-  xxxxxxxxxx
        """,
        """
        lapse  clock  --z-------
        """,
    ),
    "iomed-commercial-2025": Expectation(
        {
            "draft": "d",
            "lodged": "l",
            "invited": "i",
            "consented": "c",
            "screened": "s",
            "registered": "r",
            "mediating": "m",
            "settling": "t",
            "closed": "z",
        },
        # dlicsrmtz: requesting party, responding party, registry, mediator
        """
        lodge                 l--------  xxxxxxxxx  xxxxxxxxx  xxxxxxxxx
        invite                xxxxxxxxx  xxxxxxxxx  -i-------  xxxxxxxxx
        accept-invitation     xxxxxxxxx  --c------  --c------  xxxxxxxxx
        join                  -licsrmt-  ---csrmt-  xxxxxxxxx  xxxxxxxxx
        decline-invitation    xxxxxxxxx  --z------  xxxxxxxxx  xxxxxxxxx
        lapse                 xxxxxxxxx  xxxxxxxxx  --z------  xxxxxxxxx
        screen                xxxxxxxxx  xxxxxxxxx  --ss-----  xxxxxxxxx
        declare-inadmissible  xxxxxxxxx  xxxxxxxxx  -zzz-----  xxxxxxxxx
        register              xxxxxxxxx  xxxxxxxxx  ----r----  xxxxxxxxx
        nominate              -----r-t-  -----r-t-  -----r-t-  xxxxxxxxx
        confirm-mediator      xxxxxxxxx  xxxxxxxxx  -----m-t-  xxxxxxxxx
        resign                xxxxxxxxx  xxxxxxxxx  xxxxxxxxx  ------rt-
        replace-mediator      xxxxxxxxx  xxxxxxxxx  ------rt-  xxxxxxxxx
        hold-session          xxxxxxxxx  xxxxxxxxx  xxxxxxxxx  ------mt-
        freeze-text           xxxxxxxxx  xxxxxxxxx  xxxxxxxxx  ------tt-
        sign                  -------z-  -------z-  xxxxxxxxx  xxxxxxxxx
        withdraw              zzzzzzzz-  ---zzzzz-  xxxxxxxxx  xxxxxxxxx
        terminate             -----zzz-  -----zzz-  -----zzz-  -----zzz-
        """,
    ),
    "indus-waters-1960": Expectation(
        {
            "draft": "d",
            "lodged": "l",
            "question": "q",
            "difference": "f",
            "dispute": "p",
            "invited-to-negotiate": "i",
            "negotiating": "n",
            "mediating": "m",
            "settling": "t",
            "closed": "z",
        },
        # dlqfpinmtz: requesting party, responding party, registry, mediator
        """
        lodge                   l---------  xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx
        invite                  xxxxxxxxxx  xxxxxxxxxx  -q--------  xxxxxxxxxx
        accept-invitation       xxxxxxxxxx  --qfpin---  --qfpin---  xxxxxxxxxx
        join                    -lqfpinmt-  -------mt-  xxxxxxxxxx  xxxxxxxxxx
        declare-inadmissible    xxxxxxxxxx  xxxxxxxxxx  -zz-------  xxxxxxxxxx
        resolve-in-commission   --z-------  --z-------  xxxxxxxxxx  xxxxxxxxxx
        deem-difference         --f-------  --f-------  xxxxxxxxxx  xxxxxxxxxx
        notify-intention        ---fpinmt-  ---fpinmt-  xxxxxxxxxx  xxxxxxxxxx
        request-neutral-expert  ---fpinmt-  ---fpinmt-  xxxxxxxxxx  xxxxxxxxxx
        appoint-neutral-expert  ---fpinmt-  ---fpinmt-  xxxxxxxxxx  xxxxxxxxxx
        contest-neutral-expert  ---fpinmt-  ---fpinmt-  xxxxxxxxxx  xxxxxxxxxx
        uphold-neutral-expert   xxxxxxxxxx  xxxxxxxxxx  ---fpinmt-  xxxxxxxxxx
        hand-back               xxxxxxxxxx  xxxxxxxxxx  ---ppinmt-  xxxxxxxxxx
        decide-difference       xxxxxxxxxx  xxxxxxxxxx  ---fpinmt-  xxxxxxxxxx
        pause-neutral-expert    xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx
        resume-neutral-expert   xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx
        deem-dispute            ---p------  ---p------  xxxxxxxxxx  xxxxxxxxxx
        request-report          ----p-----  ----p-----  xxxxxxxxxx  xxxxxxxxxx
        deliver-report          xxxxxxxxxx  xxxxxxxxxx  ----pi----  xxxxxxxxxx
        invite-to-negotiate     ----i-----  ----i-----  xxxxxxxxxx  xxxxxxxxxx
        open-negotiations       xxxxxxxxxx  xxxxxxxxxx  -----n----  xxxxxxxxxx
        agree-to-court          ----pinmt-  ----pinmt-  xxxxxxxxxx  xxxxxxxxxx
        request-court           -----inmt-  -----inmt-  xxxxxxxxxx  xxxxxxxxxx
        record-arbitrators      xxxxxxxxxx  xxxxxxxxxx  ----pinmt-  xxxxxxxxxx
        record-umpires          xxxxxxxxxx  xxxxxxxxxx  ----pinmt-  xxxxxxxxxx
        request-lots            ----pinmt-  ----pinmt-  xxxxxxxxxx  xxxxxxxxxx
        contest-court           ----pinmt-  ----pinmt-  xxxxxxxxxx  xxxxxxxxxx
        uphold-court            xxxxxxxxxx  xxxxxxxxxx  ----pinmt-  xxxxxxxxxx
        decline-court           xxxxxxxxxx  xxxxxxxxxx  ----pinmt-  xxxxxxxxxx
        pause-court             xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx
        resume-court            xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx
        record-award            xxxxxxxxxx  xxxxxxxxxx  ----pinmt-  xxxxxxxxxx
        note-non-appearance     xxxxxxxxxx  xxxxxxxxxx  ---fpinmt-  xxxxxxxxxx
        appear                  ---fpinmt-  ---fpinmt-  xxxxxxxxxx  xxxxxxxxxx
        state-position          --qfpinmt-  --qfpinmt-  xxxxxxxxxx  xxxxxxxxxx
        nominate                ------n-t-  ------n-t-  ------n-t-  xxxxxxxxxx
        confirm-mediator        xxxxxxxxxx  xxxxxxxxxx  ------m-t-  xxxxxxxxxx
        resign                  xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  ------nnt-
        replace-mediator        xxxxxxxxxx  xxxxxxxxxx  ------nnt-  xxxxxxxxxx
        hold-session            xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  -------mt-
        freeze-text             xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  -------tt-
        sign                    --------z-  --------z-  xxxxxxxxxx  xxxxxxxxxx
        end-mediation           xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  -------nn-
        withdraw                zzz----nn-  -------nn-  xxxxxxxxxx  xxxxxxxxxx
        terminate               ---zzzzzz-  ---zzzzzz-  xxxxxxxxxx  xxxxxxxxxx
        close                   xxxxxxxxxx  xxxxxxxxxx  ---zzzzzz-  xxxxxxxxxx
        """,
        """
        appoint-neutral-expert  appointing-authority  ---fpinmt-
        pause-neutral-expert    appointing-authority  ---fpinmt-
        resume-neutral-expert   appointing-authority  ---fpinmt-
        pause-court             appointing-authority  ----pinmt-
        resume-court            appointing-authority  ----pinmt-
        """,
    ),
    "watercourses-1997": Expectation(
        {
            "draft": "d",
            "lodged": "l",
            "invited": "i",
            "negotiating": "n",
            "agreed": "a",
            "mediating": "m",
            "settling": "t",
            "closed": "z",
        },
        # dlinamtz: requesting party, responding party, registry, mediator
        """
        lodge                  l-------  xxxxxxxx  xxxxxxxx  xxxxxxxx
        invite                 xxxxxxxx  xxxxxxxx  -i------  xxxxxxxx
        request-negotiations   --n-----  --n-----  xxxxxxxx  xxxxxxxx
        accept-invitation      xxxxxxxx  ---a----  ---a----  xxxxxxxx
        join                   -linamt-  ----amt-  xxxxxxxx  xxxxxxxx
        declare-inadmissible   xxxxxxxx  xxxxxxxx  -zzzz---  xxxxxxxx
        nominate               ----a-t-  ----a-t-  ----a-t-  xxxxxxxx
        confirm-mediator       xxxxxxxx  xxxxxxxx  ----m-t-  xxxxxxxx
        resign                 xxxxxxxx  xxxxxxxx  xxxxxxxx  ---n-at-
        replace-mediator       xxxxxxxx  xxxxxxxx  ---n-at-  xxxxxxxx
        hold-session           xxxxxxxx  xxxxxxxx  xxxxxxxx  -----mt-
        freeze-text            xxxxxxxx  xxxxxxxx  xxxxxxxx  -----tt-
        sign                   ------z-  ------z-  xxxxxxxx  xxxxxxxx
        request-fact-finding   ---namt-  ---namt-  xxxxxxxx  xxxxxxxx
        nominate-commissioner  ---namt-  ---namt-  xxxxxxxx  xxxxxxxx
        record-chairman        xxxxxxxx  xxxxxxxx  ---namt-  xxxxxxxx
        request-chairman       ---namt-  ---namt-  xxxxxxxx  xxxxxxxx
        appoint-chairman       xxxxxxxx  xxxxxxxx  xxxxxxxx  xxxxxxxx
        request-single-member  ---namt-  ---namt-  xxxxxxxx  xxxxxxxx
        appoint-single-member  xxxxxxxx  xxxxxxxx  xxxxxxxx  xxxxxxxx
        deliver-report         xxxxxxxx  xxxxxxxx  ---namt-  xxxxxxxx
        end-mediation          xxxxxxxx  xxxxxxxx  xxxxxxxx  -----nn-
        withdraw               zzz-nnn-  ----nnn-  xxxxxxxx  xxxxxxxx
        terminate              ---zzzz-  ---zzzz-  ---z----  xxxxxxxx
        """,
        """
        appoint-chairman       appointing-authority  ---namt-
        appoint-single-member  appointing-authority  ---namt-
        """,
    ),
    "court-referred": Expectation(
        {
            "draft": "d",
            "lodged": "l",
            "invited": "i",
            "accepted": "a",
            "registered": "r",
            "mediating": "m",
            "settling": "t",
            "agreed": "g",
            "not-agreed": "n",
            "closed": "z",
        },
        # dliarmtgnz: requesting party, responding party, registry, mediator
        """
        lodge                     l---------  xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx
        invite                    xxxxxxxxxx  xxxxxxxxxx  -i--------  xxxxxxxxxx
        accept-invitation         xxxxxxxxxx  --a-------  --a-------  xxxxxxxxxx
        join                      -liarmt---  ---armt---  xxxxxxxxxx  xxxxxxxxxx
        decline-invitation        xxxxxxxxxx  --n-------  xxxxxxxxxx  xxxxxxxxxx
        declare-inadmissible      xxxxxxxxxx  xxxxxxxxxx  -zz-------  xxxxxxxxxx
        register                  xxxxxxxxxx  xxxxxxxxxx  ---r------  xxxxxxxxxx
        restart-clock             xxxxxxxxxx  xxxxxxxxxx  ----rmtgn-  xxxxxxxxxx
        stop-clock                xxxxxxxxxx  xxxxxxxxxx  ----rmtgn-  xxxxxxxxxx
        nominate                  ----r-t---  ----r-t---  ----r-t---  xxxxxxxxxx
        confirm-mediator          xxxxxxxxxx  xxxxxxxxxx  ----m-t---  xxxxxxxxxx
        resign                    xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  -----rt---
        replace-mediator          xxxxxxxxxx  xxxxxxxxxx  -----rt---  xxxxxxxxxx
        hold-session              xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  -----mt---
        freeze-text               xxxxxxxxxx  xxxxxxxxxx  xxxxxxxxxx  -----tt---
        sign                      ------g---  ------g---  xxxxxxxxxx  xxxxxxxxxx
        withdraw                  zzznnnn---  ---nnnn---  xxxxxxxxxx  xxxxxxxxxx
        terminate                 ----nnn---  ----nnn---  ----nnn---  ----nnn---
        terminate-at-return-date  xxxxxxxxxx  xxxxxxxxxx  ----nnn---  xxxxxxxxxx
        report                    xxxxxxxxxx  xxxxxxxxxx  -------zz-  -------zz-
        """,
        """
        restart-clock  court  ----rmtgn-
        stop-clock     court  ----rmtgn-
        """,
    ),
}

EVERY = EXPECTED | MORE
