"""What a ticket is about: a linear model over characters, learnt from demands.yml when it is first asked.

Characters in runs of one to three need no list of words, and learning takes about a second, so no weights are
shipped: the same content always gives the same model.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from citybrain.reading.demands import Demands, Kind

SEED = 12345
SHARPNESS = 10.0  # from the model's distances to its planes (about -1 to 1) to chances

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Subject:
    """The class of demand and the likeliest matter in it; `chance` of the class, 0 to 1."""

    kind: Kind
    chance: float


class SubjectModel:
    """The learnt model. `chances` gives one row for each text and one column for each matter."""

    def __init__(self, demands: Demands) -> None:
        self.kinds = demands.kinds
        self._classes = sorted({kind.class_id for kind in self.kinds})
        self._class_of = np.array([self._classes.index(kind.class_id) for kind in self.kinds])
        texts, targets = _lessons(demands)
        self._vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
        learnt = self._vectors.fit_transform(texts)
        self._model: Any = LinearSVC(random_state=SEED)
        self._model.fit(learnt, targets)

    def chances(self, texts: list[str]) -> Floats:
        if not texts:
            return np.zeros((0, len(self.kinds)))
        distances = self._model.decision_function(self._vectors.transform(texts))
        chances: Floats = softmax(SHARPNESS * distances, axis=1)
        return chances

    def subjects(self, chances: Floats) -> list[Subject]:
        """The class whose matters together are likeliest, and the likeliest matter of it."""
        of_class = np.zeros((len(chances), len(self._classes)))
        for matter, place in enumerate(self._class_of):
            of_class[:, place] += chances[:, matter]
        found = []
        for row, likely in zip(chances, of_class, strict=True):
            best = int(np.argmax(likely))
            within = np.where(self._class_of == best, row, -1.0)
            found.append(Subject(self.kinds[int(np.argmax(within))], round(float(likely[best]), 4)))
        return found


def _lessons(demands: Demands) -> tuple[list[str], NDArray[np.int64]]:
    """Texts to learn from and the place of the matter each stands for.

    Each stands between phrases that every caller uses, so that those come to say nothing.
    """
    random = np.random.default_rng(SEED)
    around = demands.said_about_anything
    texts: list[str] = []
    targets: list[int] = []
    matters = [matter for one in demands.classes for matter in one.matters]
    for place, matter in enumerate(matters):
        words = matter.words
        pairs = [f"{word}，{words[(at + 1) % len(words)]}" for at, word in enumerate(words)]
        for lesson in (*matter.said, *matter.said, *words, *pairs, matter.zh):
            before, after = random.choice(len(around), size=2, replace=False)
            texts.append(f"{around[int(before)]}，{lesson}，{around[int(after)]}")
            targets.append(place)
    return texts, np.array(targets, dtype=np.int64)
