"""What can be known before audio arrives: features, encoders, catalogue, index, data, training, evaluation."""
