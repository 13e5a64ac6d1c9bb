"""What can happen on the square: one file per kind of behaviour, with its episodes and the scenario of them.

An episode is a function of a stage and a moment that puts agents and their rule there; scenarios put episodes
together. A new behaviour is a new file (or a function in one of these); `beffroi.simulate.scenarios()` finds
it.
"""
