"""``simplugin evaluate``: models, indexes and whole stacks, judged by labels; one module a task."""

from __future__ import annotations

import typer

from simplugin.cli.evaluate import bitext, compare, intents, pairs, report, retrieval, similarity, verify
from simplugin.cli.verbs import Verbs

__all__ = ["app"]

app = typer.Typer(cls=Verbs, help="Judge a model, an index or a whole stack by labelled data.", no_args_is_help=True)
app.command("retrieval")(retrieval.retrieval)
app.command("similarity")(similarity.similarity)
app.command("bitext")(bitext.bitext)
app.command("pairs")(pairs.pairs)
app.command("intents")(intents.intents)
app.command("compare")(compare.compare)
app.command("verify")(verify.verify)
app.command("report")(report.report)
