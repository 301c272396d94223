"""Make distinct tweets for the benchmarks from a seeded grammar, without real data."""

from __future__ import annotations

import random

_PLACES = "Ashford,the north bay,Route 9,Lakeside,downtown Marlow,the old bridge,Mill Street"
_THINGS = "wildfire,flood,earthquake,explosion,storm,traffic jam,concert,power cut,sale,derby"
_OPENINGS = (
    "Breaking: {thing} near {place}",
    "Just saw the {thing} at {place} on my way home",
    "@user{n} did you hear about the {thing} in {place}?",
    "My heart goes out to everyone in {place} after the {thing}",
    "{thing} update {n}:{m:02} from {place}",
    "lol this {thing} in {place} is the best thing since {n}",
)
_MIDDLES = (
    "{n} people were told to leave their homes",
    "crews say it could take {n} hours to clear the road",
    "honestly I can't even right now, total disaster of a day",
    "no injuries reported so far & the roads are closed",
    "and my phone is about to die again, {n}% left",
    "they said the water rose {n} feet overnight",
    "the crowd went absolutely wild for {n} minutes",
)
_CLOSINGS = (
    "http://t.co/{code}",
    "#{tag} #breaking http://t.co/{code}",
    "stay safe everyone #{tag}",
    "what a night... #{tag}",
    "via @news{n}",
)


def tweets(count: int, seed: int) -> list[str]:
    """Return ``count`` different tweets; the same ones for the same seed."""
    random_ = random.Random(seed)
    made: dict[str, None] = {}
    while len(made) < count:
        parts = (random_.choice(kind) for kind in (_OPENINGS, _MIDDLES, _CLOSINGS))
        thing = random_.choice(_THINGS.split(","))
        tweet = " ".join(parts).format(
            thing=thing,
            tag=thing.replace(" ", ""),
            place=random_.choice(_PLACES.split(",")),
            n=random_.randrange(2, 1000),
            m=random_.randrange(60),
            code="".join(random_.choices("abcdefghijkmnpqrstuvwxyz0123456789", k=8)),
        )
        made[tweet] = None
    return list(made)
