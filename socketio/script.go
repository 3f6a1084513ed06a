package socketio

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The JavaScript client socket.io-client from npm, in the version that the tests use: as a classic script and as a
// module. The license of socket.io-client is in the same folder.
var (
	//go:embed client/socket.io.min.js
	classicScript []byte
	//go:embed client/socket.io.esm.min.js
	moduleScript []byte
)

// clientScript is one form of the JavaScript client.
type clientScript struct {
	text []byte
	etag string
}

// clientScripts returns the scripts by the last element of their URL paths.
var clientScripts = sync.OnceValue(func() map[string]clientScript {
	classic, module := newClientScript(classicScript), newClientScript(moduleScript)
	return map[string]clientScript{defaultScript: classic, "socket.io.min.js": classic, "socket.io.esm.min.js": module}
})

const (
	scriptPrefix  = "socket.io." // of the names of all files of the client
	defaultScript = "socket.io.js"
)

// newClientScript returns the script with the given text, without the comment that names its source map. The server has
// no source maps, which are four times as long as the scripts. Without the comment, browsers do not request them.
func newClientScript(text []byte) clientScript {
	if i := bytes.LastIndex(text, []byte("\n//# sourceMappingURL=")); i >= 0 {
		text = text[:i+1]
	}
	sum := sha256.Sum256(text)
	return clientScript{text, `"` + hex.EncodeToString(sum[:12]) + `"`}
}

// Script returns an [http.Handler] that serves the JavaScript client socket.io-client to web pages, at any URL path. A
// path that ends in "/socket.io.esm.min.js" is the client as a module. A [Handler] serves "socket.io.js",
// "socket.io.min.js" and "socket.io.esm.min.js" below the path of the Handler.
func Script() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := lastElement(r.URL.Path)
		if _, ok := clientScripts()[name]; !ok {
			name = defaultScript
		}
		serveScript(w, r, name)
	})
}

func lastElement(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// serveScript serves the file of the JavaScript client with the given name. If there is no such file, serveScript answers
// with status 404.
func serveScript(w http.ResponseWriter, r *http.Request, name string) {
	script, ok := clientScripts()[name]
	head := w.Header()
	switch {
	case !ok:
		http.Error(w, "this server has socket.io.js, socket.io.min.js and socket.io.esm.min.js", http.StatusNotFound)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "the client's script answers to GET and HEAD only", http.StatusMethodNotAllowed)
		return
	}
	head.Set("Content-Type", "text/javascript; charset=utf-8")
	head.Set("Cache-Control", "public, max-age=3600, must-revalidate")
	head.Set("ETag", script.etag)
	head.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(script.text))
}
