"""The exam: pieces of code that were really run in real environments, and what torchlink says of them beforehand."""
