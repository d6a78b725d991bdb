"""Intents in LangChain: as a step of a chain, as a router, and as a tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, TypeAlias, cast

from langchain_core.messages import AIMessage, BaseMessage, FunctionMessage, SystemMessage, ToolMessage
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel

from simplugin.intents import IntentMatcher
from simplugin.records import Match

__all__ = ["IntentRouter"]

_Utterance: TypeAlias = Annotated[str, "What the user said, word for word"]

_NOT_OF_THE_USER = (AIMessage, FunctionMessage, SystemMessage, ToolMessage)

_DESCRIPTION = (
    "Says which of the known intents an utterance of the user expresses, in any language. Known intents: {intents}. "
    "status is 'match', 'ambiguous' (ask the user which of the alternatives is meant) or 'out_of_scope' (none of them)."
)


class IntentRouter(Runnable[Any, Match]):
    """Says what an utterance means, in a chain::

        router = IntentRouter(sp.IntentMatcher({"pay": ["I want to pay"], "lost": ["I lost my bag"]}, "starter"))
        router.invoke("Ich möchte zahlen").intent
        bot = router.route({"pay": pay_chain, "lost": lost_chain}, ambiguous=ask_back, otherwise=small_talk)

    It takes a text, a message, or messages, of which the user's last one counts.
    """

    def __init__(self, matcher: IntentMatcher) -> None:
        if not callable(getattr(matcher, "match", None)):
            message = f"matcher is a {type(matcher).__name__}; give simplugin.IntentMatcher(intents, model)."
            raise TypeError(message)
        self.matcher = matcher

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Match:  # noqa: A002
        """Match one utterance."""
        return self._call_with_config(self._match, input, config, **kwargs)

    async def ainvoke(
        self,
        input: Any,  # noqa: A002
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Match:
        """Match one utterance, without holding up the event loop; concurrent ones are encoded together."""
        return await self._acall_with_config(self._amatch, input, config, **kwargs)

    def batch(
        self,
        inputs: list[Any],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any | None,
    ) -> list[Match]:
        """Match several utterances, encoded together."""
        return self._batch_with_config(self._match_all, inputs, config, return_exceptions=return_exceptions, **kwargs)

    def route(
        self,
        runnables: Mapping[str, Any],
        *,
        otherwise: Any,
        ambiguous: Any = None,
    ) -> Runnable[Any, Any]:
        """Return a runnable that hands its input on to the runnable of the intent that matches.

        ``otherwise`` gets what is out of scope, and intents without a runnable; ``ambiguous`` what is too close to
        call, None is ``otherwise``. Runnables may be functions. Raises ``ValueError`` for an intent that is not known.
        """
        if unknown := sorted(set(runnables) - set(self.matcher.intents)):
            message = f"There is no intent {unknown[0]!r}. Known: {', '.join(self.matcher.intents)}."
            raise ValueError(message)
        chosen = {intent: _as_runnable(each) for intent, each in runnables.items()}
        rest = _as_runnable(otherwise)
        unclear = rest if ambiguous is None else _as_runnable(ambiguous)

        def pick(match: Match) -> Runnable[Any, Any]:
            if match.status == "match":
                return chosen.get(match.intent, rest)
            return unclear if match.status == "ambiguous" else rest

        # A runnable that a function returns is run, or streamed, with what the function was given.
        def run(given: Any, config: RunnableConfig) -> Runnable[Any, Any]:
            return pick(self.invoke(given, config))

        async def arun(given: Any, config: RunnableConfig) -> Runnable[Any, Any]:
            return pick(await self.ainvoke(given, config))

        return RunnableLambda(run, arun, name="IntentRouter")

    def as_tool(
        self,
        args_schema: type[BaseModel] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        arg_types: dict[str, type] | None = None,
    ) -> BaseTool:
        """Return a tool that an agent may call with an ``utterance``; its answer is a ``Match`` as JSON values.

        ``description`` tells the agent when to call it; None names the intents.
        """

        def match_intent(utterance: _Utterance) -> dict[str, Any]:
            return asdict(self.invoke(utterance))

        async def amatch_intent(utterance: _Utterance) -> dict[str, Any]:
            return asdict(await self.ainvoke(utterance))

        told = description or _DESCRIPTION.format(intents=", ".join(self.matcher.intents))
        return StructuredTool.from_function(
            match_intent, amatch_intent, name=name or "match_intent", description=told, args_schema=args_schema
        )

    def _match(self, given: Any) -> Match:
        return self.matcher.match(_utterance(given))

    async def _amatch(self, given: Any) -> Match:
        return await self.matcher.amatch(_utterance(given))

    def _match_all(self, given: list[Any]) -> list[Exception | Match]:
        """Match each; what is no utterance has its error in its place."""
        read = [_attempt(each) for each in given]
        matches = iter(self.matcher.match([each for each in read if isinstance(each, str)]))
        return [next(matches) if isinstance(each, str) else each for each in read]


def _attempt(given: Any) -> str | TypeError:
    try:
        return _utterance(given)
    except TypeError as error:
        return error


def _utterance(given: Any) -> str:
    """Return the text that counts. Raises ``TypeError`` where there is none."""
    if isinstance(given, str):
        return given
    if isinstance(given, PromptValue):
        given = given.to_messages()
    if isinstance(given, BaseMessage):
        return str(given.text)
    if isinstance(given, Sequence):
        said = [each for each in cast("Sequence[object]", given) if isinstance(each, BaseMessage)]
        of_user = [each for each in said if not isinstance(each, _NOT_OF_THE_USER)]
        if of_user:
            return str(of_user[-1].text)
    kind = type(cast(object, given)).__name__
    message = f"Expected a text, a message or messages of a user, got a {kind}."
    raise TypeError(message)


def _as_runnable(given: Any) -> Runnable[Any, Any]:
    return given if isinstance(given, Runnable) else RunnableLambda(given)  # pyright: ignore[reportUnknownVariableType]
