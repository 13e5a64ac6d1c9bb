"""What the rules should say, by group of kinds; `beffroi.simulate.truth.answer` finds every judge in here."""
