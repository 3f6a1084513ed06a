package actionherotest

import (
	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/transport"
)

// Settings returns a part that changes the configuration of the API, the server or the cluster that the test starts. The
// change begins with the configuration for tests, so that only what differs is set:
//
//	s := actionherotest.NewServer(t, app, actionherotest.Settings(func(cfg *server.Config) { cfg.CommonWeb.Envelope = "plain" }))
//
// [New] and [NewWithWorker] read the section general alone. Several changes are made in their order. The part may be in a
// list of parts, but not in an initializer.
func Settings(change func(cfg *server.Config)) actionhero.Part {
	return settings{transport.Part(change), change}
}

type settings struct {
	actionhero.Part
	change func(cfg *server.Config)
}

// configured makes the changes of the Settings among the parts, and returns the other parts.
func configured(cfg *server.Config, parts []actionhero.Part) (others []actionhero.Part) {
	for _, part := range parts {
		switch p := part.(type) {
		case settings:
			p.change(cfg)
		case actionhero.Parts:
			others = append(others, actionhero.Parts(configured(cfg, p)))
		default:
			others = append(others, part)
		}
	}
	return others
}
