from __future__ import annotations

from simplugin import samples


def test_every_language_has_the_same_ten_topics() -> None:
    topics = {folder.name: {file.stem for file in folder.iterdir()} for folder in samples.documents_folder().iterdir()}

    assert {"az", "de", "en", "es", "he", "tr"} <= set(topics)
    assert all(found == topics["en"] for found in topics.values())
    assert len(topics["en"]) == 10


def test_every_question_has_a_topic_and_every_score_lies_on_the_scale() -> None:
    topics = {file.stem for file in (samples.documents_folder() / "en").iterdir()}

    assert {question.topic for question in samples.questions()} <= topics
    assert all(0 <= pair.score <= 5 for pair in samples.pairs())
    assert len(samples.intents()) == 3
