from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Hashed, compressed static files; a name that no manifest knows is served as it is."""

    manifest_strict = False
