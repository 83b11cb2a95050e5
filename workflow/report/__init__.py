"""What tables, figures and pages share: scores, their tests, verdicts, words, style."""
