"""The live view of `fastdata demo`: what is counted, how it looks, and the stages of the show."""
