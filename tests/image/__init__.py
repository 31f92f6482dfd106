"""The image is built as its Dockerfile says, without a container tool, and started as its own user."""
