package js_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/actionhero-go/actionhero/clients/js"
)

// A server of the app's own serves the client to its pages.
func Example() {
	script := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(js.Script)
	})
	got := httptest.NewRecorder()
	script.ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/actionhero.js", nil))
	fmt.Println(got.Header().Get("Content-Type"), got.Body.Len() > 0)
	// Output: text/javascript true
}
