package actionherotest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/server"
)

// A test changes settings and sections of the server, also from a list of parts.
func TestATestChangesSettings(t *testing.T) {
	t.Parallel()
	var hello = actionhero.Action[actionhero.None, map[string]string]{Name: "hello", Kind: actionhero.KindRead, Run: func(context.Context, actionhero.None) (map[string]string, error) {
		return map[string]string{"hello": "world"}, nil
	}}
	name := actionherotest.Settings(func(cfg *server.Config) { cfg.General.ServerName = "under test" })
	s := actionherotest.NewServer(t, hello, actionhero.Parts{name, actionherotest.Settings(func(cfg *server.Config) {
		cfg.CommonWeb.HTTPHeaders = map[string]string{"X-From": cfg.General.ServerName}
	})})
	got := actionherotest.HTTP(t, s).Do("GET", "/api/hello", nil)
	if got.Header.Get("X-From") != "under test" || !strings.Contains(string(got.Body), `"serverName":"under test"`) {
		t.Errorf("%v %s", got.Header, got.Body)
	}
	if api := actionherotest.New(t, hello, name); api.Config().ServerName != "under test" {
		t.Errorf("the API has the name %q", api.Config().ServerName)
	}
}

// A client of an app whose rules keep it out of the default room is in no room.
func TestAnAppWithoutARoomForItsClients(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, actionhero.RoomAccess(actionhero.Authenticated, "*"), actionhero.Action[actionhero.None, actionhero.None]{
		Name: "hello", Run: func(context.Context, actionhero.None) (none actionhero.None, err error) { return none, nil },
	})
	client := actionherotest.Connect(t, api, "")
	if _, err := client.Run(t, "hello", nil); err != nil {
		t.Error(err)
	}
	if err := client.SetIdentity(t.Context(), actionhero.Identity{ID: "ann"}); err != nil {
		t.Error(err)
	}
	if err := api.Rooms.Join(t.Context(), client.Conn, "kitchen"); err != nil {
		t.Error(err)
	}
}
