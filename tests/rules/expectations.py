"""What each rule set is expected to answer, written out by hand: the files and the code are held against this."""

from dataclasses import dataclass

CAPACITIES = ("requesting-party", "responding-party", "registry", "mediator")


@dataclass(frozen=True)
class Expectation:
    """The stages of a rule set, each with its letter, and for each step and capacity one letter a stage.

    A letter names the stage to which the step leads from there when every need is met and every other party has acted;
    `-` says that it is not open at that stage, `x` that it is not for that capacity.
    """

    stages: dict[str, str]
    table: str

    def rows(self) -> list[tuple[str, str, str]]:
        """Step, capacity and letters."""
        return [
            (step, capacity, letters)
            for step, *cells in (line.split() for line in self.table.strip().splitlines())
            for capacity, letters in zip(CAPACITIES, cells, strict=True)
        ]

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
