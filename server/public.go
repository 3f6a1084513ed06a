package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"time"
)

//go:embed public
var public embed.FS

// startPage returns the embedded files with the start page. A server serves these files if it has no folder of static
// files.
func startPage() fs.FS {
	files, err := fs.Sub(public, "public")
	if err != nil {
		panic(err) // impossible: the folder is embedded
	}
	return files
}

// clientScript returns a handler that serves the client script actionhero.js. An app with a folder of static files
// needs this handler, because that folder does not contain the script.
func clientScript() (http.Handler, error) {
	const name = "actionhero.js"
	script, err := fs.ReadFile(startPage(), "javascript/"+name)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(script)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Type", "text/javascript; charset=utf-8")
		head.Set("Cache-Control", "public, max-age=3600, must-revalidate")
		head.Set("ETag", tag)
		head.Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(script))
	}), nil
}
