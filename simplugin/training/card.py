"""The model card that lies in the starter's folder."""

from collections.abc import Sequence

from simplugin.training.evaluation import Figure, to_table

_FRONT = """\
---
language: [az, de, en, es, fr, he, it, ja, nl, pl, pt, ru, tr, zh]
license: cc-by-sa-4.0
library_name: model2vec
tags: [sentence-similarity, static-embeddings, model2vec, sentence-transformers, multilingual]
---
"""

_TEXT = """\
# {name}

A small static embedding model for fourteen languages:
a table of {pieces:,} word pieces with {width} numbers each, kept as bytes with one scale a row.
The vector of a text is the mean of the rows of its pieces, brought to length 1;
cosine tells how alike two texts are.
It needs a tokenizer and numpy, no GPU and no network.

## Opening it

simplugin: `sp.load(folder)`.
The folder has model2vec's layout, and sentence-transformers opens it too; all readings give the same vectors:

```python
from model2vec import StaticModel
from sentence_transformers import SentenceTransformer

StaticModel.from_pretrained(folder).encode(["Merhaba dünya"])
SentenceTransformer(folder).encode(["Merhaba dünya"])
```

Or by hand: `tokenizer.json` gives the ids, `weights[id] * embeddings[id]` in `model.safetensors` is a row;
add the rows up and divide by the length of the sum.
A text of any length keeps all its pieces. A text without known pieces is a vector of zeros.

The first {short} numbers work alone where space counts: cut the vector and bring it back to length 1.

## How it was made

1. A tokenizer over all training texts: Unigram pieces and the most frequent whole words, the longest taken first.
   NFKC, lower case, accents and vowel points left out, and I, İ, ı, i as one letter,
   so that case never matters in Turkish and Azerbaijani;
   Azerbaijani ə, q, x as its sister Turkish mostly writes them, and the final letters of Hebrew as the usual ones.
2. Distillation: every text has to lie where the English teacher all-MiniLM-L6-v2 (Apache-2.0)
   puts its English sentence, and to find that sentence among those of its batch.
   While they learn, rare pieces share the letter runs they have in common.
3. Similarity: the cosine of two sentences has to equal the score that people gave,
   in each language and across languages; and, for other pairs of the same sentences,
   the score of the teacher, once it has learned those of people itself.
4. Turning: all rows are turned about the origin, which changes no cosine,
   so that the first {short} numbers alone give nearly the cosines of all of them.

Train it again from the data with `pip install 'simplugin[train]'` and

```bash
simplugin finetune distill --train DATA --out FOLDER
python -m simplugin.training.evaluation FOLDER --data DATA
```

| trained on | texts | licence |
|---|---|---|
| STS benchmark, train and dev: stsb-multi-mt, STSb-TR | captions, headlines, forums | CC BY-SA 4.0 (scores) |
| SIB-200 train and dev (FLORES) | news and travel sentences | CC BY-SA 4.0 |
| React documentation, az and he | technical documentation | CC BY 4.0 |
| d2l-tr, half its chapters | a Turkish deep-learning book | CC BY-SA 4.0 |
| machine-learning cheatsheets | short explanations | MIT |
| Python documentation in Turkish | technical documentation | CC0, PSF |
| mozilla.org strings | interface texts | MPL-2.0 |
| simplugin's phrasebook, in all fourteen languages | sentences and words of daily life, written for it | Apache-2.0 |

The texts of the STS benchmark come from several sources, as the benchmark's licence note says;
the translations into de es fr it ja nl pl pt ru tr zh are by machine.
Nothing named test was trained on, and nothing from Tatoeba, XQuAD, HeQ or HebNLI.
The benchmark's parts share some hundred sentences: those of the test part were taken out of the training,
and so was every sentence that Tatoeba's test sets have too.

## Measured

On the folder as it lies here, after the rows became bytes.
Spearman's rank correlation of the cosine with people's scores on the test part of the STS benchmark
("across": first sentence English, second in the other language),
and how often the nearest of 1000 English sentences is the right translation (Tatoeba, LASER's test sets).

{table}

For comparison, on the same STS test in English and Spanish:
the teacher all-MiniLM-L6-v2 .820 and .616,
paraphrase-multilingual-MiniLM-L12-v2 (118 million parameters) .844 and .811.

## Limits

- A mean of pieces knows no word order: "the dog bites the man" and "the man bites the dog" have one vector,
  and a negation moves it little.
- Hebrew and Azerbaijani are weak: each had some 15,000 aligned texts,
  short sentences and technical documentation for the most part.
  Words that were not in them are split into short pieces that say little.
- Everyday talk is thin in the training data: a short sentence whose words were rarely met
  is found among its likes far less often than a sentence of news (see Tatoeba above).
- Japanese was learned from captions, headlines, forum posts and the phrasebook only.
- Across languages it finds translations and topics; it does not grade fine differences well.
- A long text becomes the average of its topics: cut documents into passages first.
- What counts as similar follows people's scores for English captions and news of about 2012 to 2017.
"""


def write_card(figures: Sequence[Figure], *, name: str, pieces: int, short: int) -> str:
    """Give the model card, in Markdown, with the measured figures."""
    width = max(item.width for item in figures)
    return _FRONT + _TEXT.format(name=name, pieces=pieces, width=width, short=short, table=to_table(figures))
