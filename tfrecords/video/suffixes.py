"""The file suffixes of videos and images."""

VIDEOS = {
    *(".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".mkv", ".webm", ".ogv", ".ogm"),
    *(".avi", ".divx", ".xvid", ".wmv", ".asf", ".flv", ".f4v", ".rm", ".rmvb", ".gif"),
    *(".mpg", ".mpeg", ".mpe", ".mpv", ".m1v", ".m2v", ".vob", ".mod", ".dv", ".mxf"),
    *(".ts", ".mts", ".m2ts", ".m2t", ".trp", ".tod", ".h264", ".264", ".h265", ".265", ".hevc"),
    *(".mjpeg", ".mjpg", ".y4m"),
}
IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
