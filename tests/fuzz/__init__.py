"""Files and messages from outside, damaged at random: each is read, or refused in one sentence."""
