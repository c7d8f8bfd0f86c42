"""Pages of previews."""

from .asking import preview_new
from .showing import preview_detail, preview_list, preview_step

__all__ = ["preview_detail", "preview_list", "preview_new", "preview_step"]
