package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

type endsInput struct {
	How    string           `json:"how"`
	Text   string           `json:"text"`
	Upload *actionhero.File `json:"upload"`
}

// ends is the action "ends" or "endsRaw", which ends in the way that its input says.
func ends(raw bool) actionhero.Part {
	name := "ends"
	if raw {
		name = "endsRaw"
	}
	return actionhero.Action[endsInput, map[string]string]{Name: name, RawBody: raw, Kind: actionhero.KindRead, Run: func(ctx context.Context, in endsInput) (map[string]string, error) {
		switch in.How {
		case "panic":
			panic("oh")
		case "Goexit":
			runtime.Goexit()
		case "error":
			return nil, errors.New("it fails")
		case "hijack":
			nc, _, err := web.Writer(ctx).(interface {
				Hijack() (net.Conn, *bufio.ReadWriter, error)
			}).Hijack()
			if err != nil {
				return nil, err
			}
			return nil, nc.Close()
		case "large":
			return map[string]string{"text": strings.Repeat("0123456789", 20<<10)}, nil
		case "writer":
			_, err := io.WriteString(web.Writer(ctx), in.Text)
			return nil, err
		}
		return map[string]string{"text": in.Text}, nil
	}}
}

// sends is the action "sends", whose answer is a Content.
func sends() actionhero.Part {
	return actionhero.Action[endsInput, *actionhero.Content]{Name: "sends", Kind: actionhero.KindRead, Run: func(ctx context.Context, in endsInput) (*actionhero.Content, error) {
		switch {
		case in.How == "content" && in.Upload != nil:
			return &actionhero.Content{Body: in.Upload, Name: "a.bin"}, nil
		case in.How == "content":
			return nil, errors.New("there is no upload")
		case in.How == "stream":
			return &actionhero.Content{Body: io.LimitReader(strings.NewReader(in.Text), 1<<20), Name: "a.bin"}, nil
		case in.How == "late":
			return &actionhero.Content{Body: io.MultiReader(strings.NewReader(in.Text), failing{}), Name: "a.bin"}, nil
		}
		return &actionhero.Content{Body: failing{}, Name: "a.bin"}, nil
	}}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { panic("a body of the app") }

// fates are the ends of a request: of its action, then of a Content.
var fates = []string{"", "panic", "Goexit", "error", "hijack", "large", "writer", "unknown", "content", "stream", "late", "broken"}

// fateTarget returns the URL of request i, whose action ends as how says.
func fateTarget(i int, how string) string {
	action := "ends"
	switch {
	case how == "unknown":
		action = "unknown"
	case slices.Index(fates, how) >= 8:
		action = "sends"
	case i%11 == 3:
		action = "endsRaw"
	}
	return "/api/" + action + "?how=" + how + []string{"", "", "", "&outputType=xml", "&callback=f"}[i%5]
}

// leave sends a request and leaves: within its body, at once, within the answer or after it.
func leave(s *testkit.Server, when int, head, body string) {
	nc, err := s.DialHTTP()
	if err != nil {
		return
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	sent := body
	if when == 0 {
		sent = body[:len(body)/2]
	}
	fmt.Fprintf(nc, "%s\r\nContent-Length: %d\r\n\r\n%s", head, len(body), sent)
	switch when {
	case 2:
		_, _ = nc.Read(make([]byte, 20))
	case 3, 4:
		_, _ = io.Copy(io.Discard, nc)
	}
}

// Whatever becomes of a request, its bytes count against the budgets no longer when it has ended.
func TestEveryByteIsGivenBack(t *testing.T) {
	t.Parallel()
	const rounds = 1_000
	s := start(t, func(cfg *server.Config) {
		cfg.CommonWeb.MaxBufferedBytes, cfg.CommonWeb.MaxUploadBytes = 2<<20, 2<<20
		cfg.CommonWeb.TrustedProxies = []string{"127.0.0.1"}
	}, ends(false), ends(true), sends())
	text := strings.Repeat("x", 40<<10)
	isMultipart, upload := form(t, part{"text", "", text[:20<<10]}, part{"upload", "a.bin", text + text})
	bodies := [][2]string{
		{isJSON, `{"text":"` + text + `"}`}, {isForm, "text=" + text}, {isMultipart, upload}, {isMultipart, upload[:len(upload)-30]},
		{isJSON, `{"text":"` + text}, {isForm, ""}, {isJSON, `{"text":"` + strings.Repeat(text, 60) + `"}`},
	}
	h1, h2 := s.HTTPS(t, false), s.HTTPS(t, true)
	var workers sync.WaitGroup
	for w := range 8 {
		workers.Go(func() {
			for i := w; i < rounds; i += 8 {
				body, from := bodies[i%len(bodies)], fmt.Sprintf("X-Forwarded-For: 10.0.0.%d", i%9)
				target := fateTarget(i, fates[i/len(bodies)%len(fates)])
				ctx, cancel := context.WithTimeout(t.Context(), []time.Duration{time.Minute, 5 * time.Millisecond}[i%2])
				switch i % 8 {
				case 0, 1:
					_, _ = h2.Try(ctx, "POST", target, strings.NewReader(body[1]), body[0], from)
				case 2, 3:
					_, _ = h1.Try(ctx, "POST", target, strings.NewReader(body[1]), body[0], from)
				default:
					leave(s, i%5, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n%s", target, from, body[0]), body[1])
				}
				cancel()
			}
		})
	}
	workers.Wait()
	testkit.Eventually(t, "every byte is given back", func() bool { return s.Web.Held() == "0 0 0 0 0 0" })
}
