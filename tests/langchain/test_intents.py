"""Intents as a step of a chain, as a router and as a tool."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolCall, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableBranch, RunnableConfig, RunnableLambda
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from langchain_core.utils.function_calling import convert_to_openai_tool

from simplugin.encoders.microbatching import MicroBatcher
from simplugin.intents import IntentMatcher
from simplugin.measures import FloatArray
from simplugin.records import Match
from simplugin_langchain import IntentRouter
from tests.hashing import HashEncoder
from tests.langchain.runs import names_of

PAY, LOST = "pay my bill", "i lost my bag"
OTHER = "penguins tell jokes"
BOTH = "red car"


class Batching(HashEncoder):
    """Puts concurrent queries together, as transformers do, and counts the batches."""

    def __init__(self) -> None:
        super().__init__(256)
        self.batches: list[int] = []
        self._queries = MicroBatcher(self.encode_query, wait=0.05)

    def encode_query(self, texts: Iterable[str]) -> FloatArray:
        listed = list(texts)
        self.batches.append(len(listed))
        return super().encode_query(listed)

    async def aencode_query(self, texts: Iterable[str]) -> FloatArray:
        return await self._queries.encode(texts)


def router_of(encoder: HashEncoder | None = None) -> IntentRouter:
    utterances = {"pay": [PAY, "pay the invoice", BOTH], "lost": [LOST, "my bag is lost", BOTH]}
    return IntentRouter(IntentMatcher(utterances, encoder or HashEncoder(256)))


def told(matches: Iterable[Match]) -> list[tuple[str, str, str, float]]:
    """Return what matches say; their scores differ in the last digits by how many were compared at once."""
    return [(each.text, each.status, each.intent, round(each.score, 4)) for each in matches]


@pytest.mark.parametrize(
    "given",
    [
        LOST,
        HumanMessage(LOST),
        HumanMessage([{"type": "text", "text": LOST}]),
        [HumanMessage(PAY), AIMessage("Done."), HumanMessage(LOST)],
        [SystemMessage(PAY), HumanMessage(LOST), AIMessage(PAY), ToolMessage(PAY, tool_call_id="1")],
        (HumanMessage(LOST),),
        ChatPromptTemplate.from_messages([("system", PAY), ("human", "{said}")]).invoke({"said": LOST}),
    ],
    ids=["text", "message", "blocks", "talk", "among-others", "tuple", "prompt"],
)
def test_a_text_a_message_or_the_last_message_of_the_user_is_matched(given: object) -> None:
    match = router_of().invoke(given)

    assert (match.status, match.intent, match.text) == ("match", "lost", LOST)
    assert type(match.text) is str


@pytest.mark.parametrize("given", [3, None, [], [AIMessage(PAY)], ["pay"], {"text": PAY}])
def test_what_no_user_said_is_refused(given: object) -> None:
    with pytest.raises(TypeError, match="Expected a text, a message or messages of a user"):
        router_of().invoke(given)


async def test_each_way_of_calling_gives_the_same() -> None:
    router, given = router_of(), [PAY, HumanMessage(LOST), OTHER, BOTH]

    matches = [router.invoke(each) for each in given]

    assert isinstance(router, Runnable)
    assert [match.status for match in matches] == ["match", "match", "out_of_scope", "ambiguous"]
    assert told(router.batch(given)) == told(matches)
    assert told(await router.abatch(given)) == told(matches)
    assert told([await router.ainvoke(each) for each in given]) == told(matches)
    assert router.batch([]) == []
    assert told(router.stream(PAY)) == told(matches[:1])
    assert router.get_graph().nodes


async def test_a_batch_is_encoded_at_once_and_so_is_what_comes_at_the_same_time() -> None:
    encoder = Batching()
    router = router_of(encoder)
    encoder.batches.clear()

    together = told(router.batch([PAY, LOST, OTHER]))
    assert encoder.batches == [3]
    assert told(await router.abatch([PAY, LOST, OTHER])) == together
    assert encoder.batches == [3, 3]
    first, others = await asyncio.gather(router.ainvoke(PAY), router.matcher.amatch([LOST, OTHER]))
    assert told([first, *others]) == together
    assert encoder.batches == [3, 3, 3]


def test_in_a_batch_each_error_stays_with_what_caused_it() -> None:
    found: list[Any] = router_of().batch([PAY, 3, LOST], return_exceptions=True)

    assert (found[0].intent, found[2].intent) == ("pay", "lost")
    assert isinstance(found[1], TypeError)
    with pytest.raises(TypeError, match="got a int"):
        router_of().batch([PAY, 3, LOST])


def test_a_match_chooses_a_branch() -> None:
    def is_out_of_scope(match: Match) -> bool:
        return match.status == "out_of_scope"

    def is_ambiguous(match: Match) -> bool:
        return match.status == "ambiguous"

    def ask_back(match: Match) -> str:
        return f"{match.intent} or {match.alternatives[0][0]}?"

    def name(match: Match) -> str:
        return match.intent

    branch = RunnableBranch[Match, str](
        (is_out_of_scope, lambda _: "I do not know"), (is_ambiguous, ask_back), RunnableLambda(name)
    )

    assert (router_of() | branch).batch([PAY, OTHER, BOTH]) == ["pay", "I do not know", "pay or lost?"]


async def test_a_route_hands_its_input_on_to_the_runnable_of_the_intent() -> None:
    collector = RunCollectorCallbackHandler()
    chat = ChatPromptTemplate.from_template("{said}") | FakeListChatModel(responses=["paid."]) | StrOutputParser()
    bot = router_of().route(
        {"pay": {"said": lambda given: given} | chat},
        otherwise=lambda given: f"? {given}",
        ambiguous=lambda given: f"which? {given}",
    )

    answers = [bot.invoke(each) for each in (PAY, LOST, OTHER, BOTH)]

    assert answers == ["paid.", f"? {LOST}", f"? {OTHER}", f"which? {BOTH}"]  # lost has no runnable
    assert [await bot.ainvoke(each) for each in (PAY, LOST, OTHER, BOTH)] == answers
    assert bot.batch([LOST, BOTH]) == [answers[1], answers[3]]
    assert list(bot.stream(PAY)) == list("paid.")  # word by word, as the model says it
    assert [part async for part in bot.astream(PAY)] == list("paid.")
    bot.invoke(PAY, {"callbacks": [collector], "run_name": "bot"})
    assert {"bot", "IntentRouter", "FakeListChatModel"} <= set(names_of(collector.traced_runs[0]))


def test_what_is_too_close_to_call_goes_with_the_rest_unless_told_and_messages_are_handed_on_whole() -> None:
    def last(given: list[BaseMessage], config: RunnableConfig) -> str:
        return f"{len(given)} {config.get('tags')}"

    bot = router_of().route({"pay": last}, otherwise=lambda _: "rest")

    assert bot.invoke(BOTH) == "rest"
    assert bot.invoke([HumanMessage("hello"), AIMessage("hi"), HumanMessage(PAY)], {"tags": ["x"]}) == "3 ['x']"


def test_a_route_for_an_intent_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no intent 'refund'\. Known: pay, lost"):
        router_of().route({"refund": lambda _: ""}, otherwise=lambda _: "")


async def test_an_agent_may_call_it_as_a_tool() -> None:
    tool = router_of().as_tool()
    schema = convert_to_openai_tool(tool)["function"]
    call = ToolCall(name="match_intent", args={"utterance": BOTH}, id="1", type="tool_call")

    assert schema["name"] == "match_intent"
    assert "Known intents: pay, lost." in schema["description"]
    assert schema["parameters"]["required"] == ["utterance"]
    assert schema["parameters"]["properties"]["utterance"]["type"] == "string"
    assert "said" in schema["parameters"]["properties"]["utterance"]["description"]
    message = tool.invoke(call)
    assert isinstance(message, ToolMessage)
    answer: dict[str, Any] = json.loads(str(message.content))
    assert (answer["status"], answer["intent"], answer["alternatives"][0][0]) == ("ambiguous", "pay", "lost")
    assert (await tool.ainvoke(call)).content == message.content


def test_a_tool_may_have_another_name_and_description() -> None:
    tool = router_of().as_tool(name="what_is_meant", description="Ask me first.")

    assert (tool.name, tool.description) == ("what_is_meant", "Ask me first.")
    assert tool.invoke({"utterance": PAY})["intent"] == "pay"
