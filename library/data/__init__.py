"""Make note banks, phrases and mixtures to train and to evaluate on."""
