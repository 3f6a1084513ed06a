package actionhero_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/actionhero-go/actionhero"
)

type usualInput struct {
	ID    int      `json:"id" minimum:"1" doc:"the number of the item"`
	Name  string   `json:"name" required:"true" minLength:"1" maxLength:"80" doc:"its name"`
	Code  string   `json:"code" pattern:"^[A-Z]{2}-[0-9]+$" doc:"its code"`
	Tags  []string `json:"tags" maxItems:"10" doc:"its tags"`
	Price float64  `json:"price" minimum:"0" default:"1" doc:"its price"`
}

// An app may have thousands of actions. The test is not parallel, because it measures the heap.
func TestAnActionTakesLittleMemory(t *testing.T) {
	const count, most = 500, 5 << 10
	parts := make(actionhero.Parts, count)
	for i := range parts {
		parts[i] = actionhero.Action[usualInput, actionhero.None]{
			Name: fmt.Sprint("item", i), Route: fmt.Sprintf("POST /items%d/{id}", i),
			Run: func(_ context.Context, _ usualInput) (none actionhero.None, err error) { return none, nil },
		}
	}
	api := newAPI(t, actionhero.Config{})
	before := heapSize()
	if err := api.Register(parts); err != nil {
		t.Fatal(err)
	}
	if each := (heapSize() - before) / count; each > most {
		t.Errorf("an action takes %d bytes, want at most %d", each, most)
	}
	runtime.KeepAlive(api)
}

func heapSize() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
