"""The residual autoencoder: network, pretraining, and the space in which speakers differ."""
