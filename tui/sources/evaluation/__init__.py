"""Reports of evaluations, whoever keeps them: a reader for each tool that writes them (contracts: model §6)."""
