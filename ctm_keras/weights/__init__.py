"""Where weights come from: ImageNet, a file of this project; and what became of them."""
