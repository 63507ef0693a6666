"""Addresses that people can say aloud, and others that only look random."""

from __future__ import annotations

import secrets

_ADJECTIVES = tuple(
    "amber ample arctic autumn brave breezy bright brisk calm candid cheery clever coral cosmic "
    "cozy crisp curious dapper daring dusty eager early easy fancy fluffy fresh gentle giddy "
    "golden happy hasty hidden honest humble icy jolly keen kind lively lucky lunar mellow merry "
    "mighty misty modest noble olive patient placid polite proud quick quiet rapid ready rosy "
    "rustic shiny silent silver sleepy smart snowy solar spry steady stormy sunny swift tidy "
    "tiny tranquil upbeat velvet vivid warm wild windy wise witty young zesty".split()
)
_ANIMALS = tuple(
    "alpaca badger beaver bison bobcat camel caribou cheetah cobra condor cougar coyote crane "
    "cricket deer dingo dolphin eagle egret falcon ferret finch fox gazelle gecko gibbon giraffe "
    "goose hare hawk heron hippo ibex ibis iguana impala jackal jaguar koala lark lemur leopard "
    "lion llama lynx magpie marmot marten mole moose newt ocelot orca osprey otter owl panda "
    "parrot pelican penguin pika puffin puma quail rabbit raven robin salmon seal shark sloth "
    "sparrow stork swan tapir tiger toucan turtle viper walrus weasel whale wolf wombat yak "
    "zebra".split()
)


def friendly() -> str:
    """A local part such as ``happy-tiger-42``: some 70 million of them."""
    return (
        f"{secrets.choice(_ADJECTIVES)}-{secrets.choice(_ANIMALS)}-{10 + secrets.randbelow(9990)}"
    )


def hexadecimal() -> str:
    """A local part of 8 hexadecimal digits."""
    return secrets.token_hex(4)


STYLES = {"words": friendly, "hex": hexadecimal}
