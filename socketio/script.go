package socketio

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the client
	"encoding/hex"
	"net/http"
	"sync"
	"time"
)

// The client for pages: socket.io-client from npm, in the version that the tests use. Its licence is beside it.
//
//go:embed client/socket.io.min.js
var script []byte

// scriptName is the last part of the paths at which pages look for the client.
const scriptName = "socket.io.js"

var scriptETag = sync.OnceValue(func() string {
	sum := sha256.Sum256(script)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
})

// Script returns what serves the client for pages, the stock socket.io-client, wherever it is mounted. A [Handler] serves
// it itself, at socket.io.js below its own path.
func Script() http.Handler { return http.HandlerFunc(serveScript) }

func serveScript(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "the client's script answers to GET and HEAD only", http.StatusMethodNotAllowed)
		return
	}
	head.Set("Content-Type", "text/javascript; charset=utf-8")
	head.Set("Cache-Control", "public, max-age=3600, must-revalidate")
	head.Set("ETag", scriptETag())
	head.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, scriptName, time.Time{}, bytes.NewReader(script))
}
