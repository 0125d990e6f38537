import pytest

from tui.insight.stack_traces import place_in

PYTHON = """Traceback (most recent call last):
  File "/usr/lib/python3.11/unittest/case.py", line 57, in testPartExecutor
  File "/build/tests/test_model.py", line 41, in test_loss
    assert loss(batch) <= 0.70
  File "/build/model/loss.py", line 7, in loss
  File "/venv/lib/python3.11/site-packages/torch/nn/test_functional.py", line 3, in cross
ValueError: shapes http://example.com:443"""

PYTEST = """    def test_loss():
>       assert 0.71 <= 0.7
E       assert 0.71 <= 0.7

tests/unit/test_model.py:41: AssertionError"""

JAVA = """java.lang.AssertionError: expected:<1> but was:<2>
\tat org.junit.Assert.fail(Assert.java:88)
\tat com.acme.risk.ScoreTest.caps(ScoreTest.java:112)
\tat com.acme.risk.Runner.main(Runner.java:9)"""

JAVASCRIPT = """Error: expected 1
    at Object.<anonymous> (/app/src/score.spec.ts:12:5)
    at run (/app/node_modules/jest/test.js:3:1)
    at node:internal/process:95:5"""


@pytest.mark.parametrize(
    ("trace", "place"),
    [
        (PYTHON, "/build/tests/test_model.py:41"),
        (PYTEST, "tests/unit/test_model.py:41"),
        (JAVA, "ScoreTest.java:112"),
        (JAVASCRIPT, "/app/src/score.spec.ts:12"),
        ("    score_test.go:23: got 1", "score_test.go:23"),
        ("thread 'x' panicked at src/lib.rs:10:5:", "src/lib.rs:10"),
        ("rspec ./spec/models/score_spec.rb:7", "./spec/models/score_spec.rb:7"),
        ("C:\\ci\\tests\\test_a.py:3: in f", "C:\\ci\\tests\\test_a.py:3"),
        ('File "model.py", line 3\nFile "train.py", line 9', "train.py:9"),
        ("OSError: [Errno 28] No space left on device", ""),
        ("connect to example.com:443 or 10.0.0.1:80 at 12:30:01", ""),
        ('File "<string>", line 1', ""),
        ("", ""),
    ],
)
def test_the_tests_own_line_is_found(trace: str, place: str) -> None:
    assert place_in(trace) == place
