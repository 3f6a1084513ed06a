package browser_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/web"
)

// The page that the README shows does what it says: the room hears it when its action was answered.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```html\n(.*?)```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README shows no page")
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(append([]byte("<!doctype html>\n"), block[1]...))
	})
	s := newSite(t, nil, web.Mount("/readme", page))
	listener, err := net.Dial("tcp", s.TCPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	in := bufio.NewReader(listener)
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	newChromium(t).open(s.url + "/readme")
	_ = listener.SetReadDeadline(time.Now().Add(browserWait))
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("the room hears nothing: %v", err)
		}
		if strings.Contains(line, `"message":"hello, room"`) {
			break
		}
	}
	_, _ = io.WriteString(listener, "quit\r\n")
}
