// Package mediatype maps the names of files to media types. All transports use it, so that a file has the same type on all
// of them and on all machines.
package mediatype

import (
	"mime"
	"path"
	"strings"
)

// types maps file extensions to media types. The table comes before the table of the operating system, so that a file
// has the same type on all machines.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".xhtml": "application/xhtml+xml",
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".cjs": "text/javascript; charset=utf-8", ".json": "application/json", ".map": "application/json", ".jsonld": "application/ld+json",
	".webmanifest": "application/manifest+json", ".wasm": "application/wasm", ".xml": "application/xml", ".xsl": "application/xml",
	".rss": "application/rss+xml", ".atom": "application/atom+xml", ".geojson": "application/geo+json", ".yaml": "application/yaml",
	".yml": "application/yaml", ".toml": "application/toml",
	".txt": "text/plain; charset=utf-8", ".log": "text/plain; charset=utf-8", ".md": "text/markdown; charset=utf-8",
	".csv": "text/csv; charset=utf-8", ".tsv": "text/tab-separated-values; charset=utf-8", ".ics": "text/calendar; charset=utf-8",
	".vcf": "text/vcard; charset=utf-8", ".vtt": "text/vtt; charset=utf-8", ".ts": "video/mp2t",
	".svg": "image/svg+xml", ".png": "image/png", ".apng": "image/apng", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".jxl": "image/jxl",
	".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif", ".heic": "image/heic", ".bmp": "image/bmp", ".ico": "image/x-icon",
	".tif": "image/tiff", ".tiff": "image/tiff",
	".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf", ".eot": "application/vnd.ms-fontobject",
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg",
	".wav": "audio/wav", ".weba": "audio/webm", ".flac": "audio/flac", ".mid": "audio/midi", ".midi": "audio/midi",
	".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg", ".mov": "video/quicktime", ".avi": "video/x-msvideo",
	".mpeg": "video/mpeg", ".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml",
	".pdf": "application/pdf", ".rtf": "application/rtf", ".epub": "application/epub+zip", ".zip": "application/zip",
	".gz": "application/gzip", ".tar": "application/x-tar", ".7z": "application/x-7z-compressed", ".bz2": "application/x-bzip2",
	".zst": "application/zstd", ".glb": "model/gltf-binary", ".gltf": "model/gltf+json",
	".doc": "application/msword", ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xls": "application/vnd.ms-excel", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".ppt": "application/vnd.ms-powerpoint", ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}

// Of returns the media type for the extension of name, a file name. If the extension is in neither table, the type is
// application/octet-stream.
func Of(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t, ok := types[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}
