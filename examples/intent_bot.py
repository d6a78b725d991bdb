"""A bot of a city library that is spoken to in Turkish, Spanish or English, in the terminal.

python examples/intent_bot.py              answers what you type; an empty line ends
python examples/intent_bot.py < FILE       answers the lines of a file

Where two answers are close it asks which is meant, and takes a number or other words. What it has no answer to it asks
for once more, and hands over to a person the second time. It was told no language: it answers in that of the utterance
which speaks for the answer, else in that of the answer before, and in all three as long as there was none.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import simplugin as sp

UTTERANCES = {
    "hours": {
        "tr": ["Kütüphane saat kaçta açılıyor?", "pazar günü açık mısınız", "Saat kaça kadar açıksınız?"],
        "es": ["¿A qué hora abre la biblioteca?", "¿abrís los domingos?", "¿Hasta qué hora está abierto?"],
        "en": ["When does the library open?", "are you open on sundays", "What are your opening hours?"],
    },
    "borrow": {
        "tr": ["Kaç kitap ödünç alabilirim?", "kitap ödünç almak istiyorum", "Eve kitap götürebilir miyim?"],
        "es": ["¿Cuántos libros puedo tomar prestados?", "quiero sacar un libro", "¿Puedo llevarme libros a casa?"],
        "en": ["How many books can I borrow?", "i want to borrow a book", "May I take books home?"],
    },
    "renew": {
        "tr": ["Kitabın süresini uzatabilir miyim?", "ödünç süremi uzatmak istiyorum", "Kitabı geç getirsem olur mu?"],
        "es": ["¿Puedo renovar el préstamo?", "quiero más tiempo para el libro", "¿Puedo devolver el libro más tarde?"],
        "en": ["Can I renew my loan?", "i need more time for the book", "Can I bring the book back later?"],
    },
    "card": {
        "tr": ["Nasıl üye olurum?", "kütüphane kartı çıkarmak istiyorum", "Üyelik için ne gerekiyor?"],
        "es": ["¿Cómo me hago socio?", "quiero un carné de la biblioteca", "¿Qué necesito para hacerme el carné?"],
        "en": ["How do I become a member?", "i want a library card", "What do I need to join?"],
    },
    "lost": {
        "tr": ["Kitabı kaybettim", "ödünç aldığım kitap yırtıldı", "Kaybolan kitabın ücreti ne kadar?"],
        "es": ["He perdido el libro", "se me ha roto el libro prestado", "¿Cuánto cuesta un libro perdido?"],
        "en": ["I have lost the book", "the book i borrowed is damaged", "What does a lost book cost?"],
    },
}

ANSWERS = {
    "hours": {
        "tr": "Pazartesi hariç her gün 9'dan 19'a kadar açığız.",
        "es": "Abrimos de 9 a 19 todos los días menos el lunes.",
        "en": "We are open from 9 to 19 every day but Monday.",
    },
    "borrow": {
        "tr": "En fazla 6 kitabı 4 haftalığına alabilirsiniz.",
        "es": "Puede llevarse hasta 6 libros durante 4 semanas.",
        "en": "You may take up to 6 books for 4 weeks.",
    },
    "renew": {
        "tr": "Süreyi internetten iki kez 4 hafta uzatabilirsiniz.",
        "es": "Puede renovarlo dos veces en línea, 4 semanas cada una.",
        "en": "You can renew twice online, for 4 weeks each.",
    },
    "card": {
        "tr": "Kart ücretsizdir; kimliğinizle danışmaya gelin.",
        "es": "El carné es gratuito: venga a información con su documento.",
        "en": "The card is free: come to the desk with your identity card.",
    },
    "lost": {
        "tr": "Önemli değil: yenisini getirin ya da bedelini ödeyin.",
        "es": "No pasa nada: traiga uno nuevo o pague su precio.",
        "en": "No harm done: bring a new copy, or pay its price.",
    },
}

NAMES = {
    "hours": {"tr": "çalışma saatleri", "es": "el horario", "en": "opening hours"},
    "borrow": {"tr": "kitap ödünç almak", "es": "tomar libros prestados", "en": "borrowing books"},
    "renew": {"tr": "süreyi uzatmak", "es": "renovar un préstamo", "en": "renewing a loan"},
    "card": {"tr": "kütüphane kartı", "es": "el carné", "en": "a library card"},
    "lost": {"tr": "kayıp veya hasarlı kitap", "es": "un libro perdido o roto", "en": "a lost or damaged book"},
}

WHICH = {
    "tr": "Hangisini soruyorsunuz: (1) {} mi, (2) {} mi?",
    "es": "¿A qué se refiere: (1) {} o (2) {}?",
    "en": "Which do you mean: (1) {} or (2) {}?",
}
AGAIN = {
    "tr": "Anlayamadım. Başka türlü sorar mısınız?",
    "es": "No le he entendido. ¿Puede decirlo de otra manera?",
    "en": "I did not understand that. Could you put it another way?",
}
PERSON = {
    "tr": "Sizi bir çalışanımıza bağlıyorum.",
    "es": "Le paso con una persona del equipo.",
    "en": "I am handing you over to a member of staff.",
}

LANGUAGES = {text: language for kinds in UTTERANCES.values() for language, texts in kinds.items() for text in texts}
PATIENCE = 2  # lines in a row that are not understood, after which a person takes over


@dataclass(slots=True)
class Bot:
    """A conversation: which language it is in, what was asked back, and how often nothing was understood."""

    matcher: sp.IntentMatcher
    language: str | None = None
    offered: tuple[str, ...] = ()
    misses: int = 0

    def answer(self, line: str) -> str:
        """Return what the bot says to a line."""
        if self.language and (chosen := self.choice(line, self.language)):
            return self.tell(chosen, self.language)
        match = self.matcher.match(line)
        self.offered = ()
        if match.status == "out_of_scope":
            return self.missed()
        # The utterance of the intent that is closest to the line is in its language, more often than not.
        self.language = LANGUAGES[match.evidence[0][0]]
        if match.status == "ambiguous":
            self.misses = 0
            self.offered = (match.intent, match.alternatives[0][0])
            return WHICH[self.language].format(*(NAMES[intent][self.language] for intent in self.offered))
        return self.tell(match.intent, self.language)

    def choice(self, line: str, language: str) -> str | None:
        """Return which of the intents on offer a line chooses: by its number, or by words that name it alone."""
        said = line.casefold().strip(" ().!¡")
        chosen = [
            intent
            for number, intent in enumerate(self.offered, 1)
            if said == str(number) or (said and said in NAMES[intent][language].casefold())
        ]
        return chosen[0] if len(chosen) == 1 else None

    def tell(self, intent: str, language: str) -> str:
        """Return the answer, after which nothing is open."""
        self.offered, self.misses = (), 0
        return ANSWERS[intent][language]

    def missed(self) -> str:
        """Ask once more, and then hand over; in every language where none is known."""
        self.misses += 1
        words = PERSON if self.misses == PATIENCE else AGAIN
        self.misses %= PATIENCE
        return words[self.language] if self.language else " / ".join(words.values())


def main() -> None:
    examples = {intent: [text for texts in kinds.values() for text in texts] for intent, kinds in UTTERANCES.items()}
    # Left to itself a matcher learns both from the utterances; a bot that is asked single words asks back more often.
    bot = Bot(sp.IntentMatcher(examples, "starter", threshold=0.45, ambiguity=0.05))
    for line in typed():
        print(bot.answer(line), flush=True)


def typed() -> Iterator[str]:
    """Give what is typed until an empty line, or all lines of a file, which are shown."""
    if sys.stdin.isatty():
        print("Merhaba! ¡Hola! Hello! Ask about the library.")
        yield from iter(lambda: input("> ").strip(), "")
    else:
        for line in filter(None, map(str.strip, sys.stdin)):
            print(f"> {line}")
            yield line


if __name__ == "__main__":
    main()
