package socketio

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"sync"
	"time"
)

// script is the JavaScript client socket.io-client from npm, in the version that the tests use. The license of
// socket.io-client is in the same folder.
//
//go:embed client/socket.io.min.js
var script []byte

// scriptName is the last element of the URL paths at which web pages request the client script. minifiedName is another
// name of the same script.
const (
	scriptName   = "socket.io.js"
	minifiedName = "socket.io.min.js"
)

var scriptETag = sync.OnceValue(func() string {
	sum := sha256.Sum256(script)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
})

// Script returns an [http.Handler] that serves the JavaScript client socket.io-client to web pages, at any URL path. A
// [Handler] serves the same script at "socket.io.js" and "socket.io.min.js" below the path of the Handler.
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
