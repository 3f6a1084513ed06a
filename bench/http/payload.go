package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/bench/internal/plot"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
)

// servePayload is the peer of the action payload.
func servePayload(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Text string `json:"text"`
		Size int    `json:"size"`
	}
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	} else {
		in.Size, _ = strconv.Atoi(r.URL.Query().Get("size"))
	}
	body, err := json.Marshal(payload{longText(in.Size)})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body))) // the load reads no chunks
	_, _ = w.Write(body)
}

// growPayload measures requests by the length of their bodies, and of their answers.
func growPayload(ctx context.Context, l *scale) (plot.Plot, error) {
	p := plot.Plot{Title: "Requests with long bodies and answers", X: "bytes of JSON", Y: perRequest}
	for _, name := range []string{payloadServer, payloadPeer} {
		s, err := l.serve(ctx, name)
		if err != nil {
			return p, err
		}
		defer func() { _ = s.Stop() }()
		short := strings.TrimSuffix(name, ", payloads")
		answers, bodies := curve{line: plot.Line{Name: short + ", answer"}}, curve{line: plot.Line{Name: short + ", body"}}
		first := slices.Target{Server: s, Load: loadRequest(s.Addr, getPayload(100))}
		answers.first, bodies.first = first, first
		for _, n := range []int{100, 1000, 10_000, 100_000, 1_000_000, 10_000_000} {
			if err := answers.add(l, float64(n), slices.Target{Server: s, Load: loadFew(s.Addr, getPayload(n), n)}); err != nil {
				return p, err
			}
			if err := bodies.add(l, float64(n), slices.Target{Server: s, Load: loadFew(s.Addr, postPayload(n), n)}); err != nil {
				return p, err
			}
		}
		p.Lines = append(p.Lines, answers.line, bodies.line)
	}
	return p, nil
}

func getPayload(n int) string {
	return fmt.Sprintf("GET %s?size=%d HTTP/1.1\r\nHost: localhost\r\n\r\n", payloadPath, n)
}

func postPayload(n int) string {
	body := `{"text":"` + longText(n) + `"}`
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", payloadPath, len(body), body)
}
