package server_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// While the running tasks of a server end, the server is not ready, but accepts new connections and answers them.
func TestClientsAreServedWhileTasksEnd(t *testing.T) {
	t.Parallel()
	running, release := make(chan struct{}), make(chan struct{})
	s := testkit.Start(t, testkit.Options{
		Parts: actionhero.Parts{actionhero.Task[actionhero.None]{Name: "long", Run: func(context.Context, actionhero.None) error {
			close(running)
			<-release
			return nil
		}}},
		Change: func(cfg *server.Config) { cfg.Tasks.Grace = time.Minute },
	})
	if _, err := s.Tasks.Enqueue(t.Context(), "long", nil); err != nil {
		t.Fatal(err)
	}
	<-running
	stopping := s.API.Stopping()
	stopped := make(chan error, 1)
	go func() { stopped <- s.API.Stop(context.Background()) }()
	<-stopping
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if got := s.HTTP(t).Ask("GET", "/healthz", ""); got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("the health check answers %d during the stop", got.StatusCode)
	}
	kept := s.HTTP(t).Client
	var load sync.WaitGroup
	for i := range 8 {
		load.Go(func() { // half of them with a connection for each request
			for range 50 {
				answer, err := []*http.Client{client, kept}[i%2].Get("http://" + s.Web.Addr().String() + "/api/randomNumber")
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				if answer.StatusCode != http.StatusOK || s.API.Ready() {
					t.Errorf("during the stop: status %d, ready %v", answer.StatusCode, s.API.Ready())
				}
			}
		})
	}
	load.Wait()
	s.TCP(t).Close()
	select {
	case err := <-stopped:
		t.Fatalf("the stop did not wait for the task: %v", err)
	default:
	}
	close(release)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
