"""A small, sound rule set, for tests that break it."""

NAME = "small-2025"

BASE = """
id = "small-2025"
title = "A small procedure"
edition = "2025"
categories = ["state-state"]
source = "Rules of a small institution"
commences = "registration"
fact_of_mediation = "unverified"
caucus = "sealed"
zone = "seat"

[[stages]]
name = "draft"
phase = "intake"
title = "Being drafted"
amendable = "all"

[[stages]]
name = "lodged"
phase = "intake"
title = "Lodged"
amendable = "strike"

[[stages]]
name = "talks"
phase = "sessions"
title = "In mediation"

[[stages]]
name = "closed"
phase = "closed"
title = "Closed"
final = true

[[terms]]
name = "reply"
title = "to answer"
period = "30 days"
counting = "day-after"
roll = "none"
article = "Article 2(4)"
standing = "text"

[[checks]]
name = "all-parties-consented"
title = "Every party has consented"
standing = "secondary"
source = "a journal"

[[steps]]
name = "lodge"
title = "Lodge the request"
by = ["requesting-party"]
from = ["draft"]
to = "lodged"
fields = ["consent"]
lodges = true
expected = ["draft"]
article = "Article 1"
standing = "text"

[[steps]]
name = "invite"
title = "Invite the other side"
by = ["registry"]
from = ["lodged"]
to = "talks"
serves = true
numbers = true
starts = ["reply"]
standing = "institution"

[[steps]]
name = "sign"
title = "Agree"
by = ["any-party"]
each = true
from = ["talks"]
to = "closed"
needs = ["all-parties-consented"]
ends = ["reply"]
outcome = "settled"
taken_through = "settlement/signatures"
article = "Article 8"
standing = "unverified"

[[steps]]
name = "withdraw"
title = "Withdraw the request"
by = ["requesting-party"]
from = ["draft", "lodged"]
to = "closed"
outcome = "withdrawn"
article = "Article 9"
standing = "text"

[[steps]]
name = "withdraw"
title = "Leave the mediation"
by = ["any-party"]
from = ["talks"]
to = "closed"
voids = ["sign"]
outcome = "withdrawn"
article = "Article 9"
standing = "text"
"""
