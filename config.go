package actionhero

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// Version is the version of this module, as `actionhero version` prints it.
const Version = "0.1.0"

// Config holds what the core needs to know; the section `general` of a configuration file. Each part that listens has
// a struct of its own beside it.
type Config struct {
	ID         string `json:"id" doc:"how this node is known in status and in the cluster; made of its address and ports when empty"` // default: address and ports
	APIVersion string `json:"apiVersion" doc:"your API's version, shown in every HTTP answer"`                                        // default: Version
	ServerName string `json:"serverName" doc:"shown in every HTTP answer and as the sender of the server's own room messages"`        // default: actionHero API

	WelcomeMessage  string `json:"welcomeMessage" doc:"what persistent clients read first"`                // default: Hello! Welcome to the actionHero api
	DefaultChatRoom string `json:"defaultChatRoom" doc:"the room that persistent clients are in at first"` // default: defaultRoom
	AnnounceLimit   int    `json:"announceLimit" doc:"rooms with more members are not told who enters and leaves"`
	// default: 500. A room of n members costs n deliveries for each one that comes; -1 switches announcements off.
	RoomStatusLimit int  `json:"roomStatusLimit" doc:"how many members a room's status lists; the count is always exact"` // default: 1000
	MaxRooms        int  `json:"maxRooms" doc:"how many rooms one connection may listen to, its current one included"`    // default: 64
	RoomDetails     bool `json:"roomDetails" doc:"show in a room's status what its members show of themselves"`           // default: false

	DefaultLimit  int `json:"defaultLimit" doc:"the input limit when the client sends none"`   // default: 100
	DefaultOffset int `json:"defaultOffset" doc:"the input offset when the client sends none"` // default: 0

	FlatFileDirectory                string `json:"flatFileDirectory" doc:"the folder of static files"`                                     // default: ./public
	FlatFileNotFoundMessage          string `json:"flatFileNotFoundMessage" doc:"the body of a 404"`                                        // default: Sorry, that file is not found :(
	FlatFileIndexPageNotFoundMessage string `json:"flatFileIndexPageNotFoundMessage" doc:"the body of a 404 for a folder without an index"` // default: Sorry, there is no index page for this folder :(

	ActionTimeout time.Duration `json:"actionTimeout" doc:"how long an action may take before its context ends"`             // default: 30s; negative: no limit
	StopGrace     time.Duration `json:"stopGrace" doc:"how long a stop waits for requests in flight before it cancels them"` // default: 30s

	RequestLimit       int           `json:"requestLimit" doc:"requests that one client address may make in each window; 0 is no limit"` // default: 0, no limit
	RequestLimitWindow time.Duration `json:"requestLimitWindow" doc:"the window of requestLimit"`                                        // default: 1h

	Backend     backend.Backend `json:"-"` // store and rooms; required ([New] says how)
	Log         *slog.Logger    `json:"-"` // default: slog.Default()
	LogRequests bool            `json:"-"` // log a line for each request; default: false
}

func (c *Config) setDefaults() error {
	if c.Backend == nil {
		return fmt.Errorf("actionhero.New needs a Backend: set Config.Backend to local.New(local.Config{}), or build the API with server.New, which does")
	}
	if c.RequestLimit < 0 {
		return fmt.Errorf("general.requestLimit is %d: it must be 0 (no limit) or more", c.RequestLimit)
	}
	if c.DefaultLimit < 0 || c.DefaultOffset < 0 {
		return fmt.Errorf("general.defaultLimit and general.defaultOffset must be 0 or more, not %d and %d", c.DefaultLimit, c.DefaultOffset)
	}
	if c.MaxRooms < 0 {
		return fmt.Errorf("general.maxRooms is %d: it must be 1 or more, or 0 for the default", c.MaxRooms)
	}
	or := func(dst *string, value string) {
		if *dst == "" {
			*dst = value
		}
	}
	or(&c.APIVersion, Version)
	or(&c.ServerName, "actionHero API")
	or(&c.WelcomeMessage, "Hello! Welcome to the actionHero api")
	or(&c.DefaultChatRoom, "defaultRoom")
	or(&c.FlatFileDirectory, "./public")
	or(&c.FlatFileNotFoundMessage, "Sorry, that file is not found :(")
	or(&c.FlatFileIndexPageNotFoundMessage, "Sorry, there is no index page for this folder :(")
	SetDefault(&c.AnnounceLimit, 500)
	SetDefault(&c.RoomStatusLimit, 1000)
	SetDefault(&c.MaxRooms, 64)
	SetDefault(&c.DefaultLimit, 100)
	SetDefault(&c.ActionTimeout, 30*time.Second)
	SetDefault(&c.StopGrace, 30*time.Second)
	SetDefault(&c.RequestLimitWindow, time.Hour)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return nil
}

// SetDefault sets *dst to value if it is still zero: how every part of the house fills in its Config.
func SetDefault[T comparable](dst *T, value T) {
	var zero T
	if *dst == zero {
		*dst = value
	}
}

// Switch is a setting that is on or off, and knows when nobody has said which.
type Switch uint8

// The three states of a [Switch].
const (
	Default Switch = iota // as the part's documentation says
	On
	Off
)

// Or returns whether s is on, with the part's own default where nobody has said.
func (s Switch) Or(byDefault bool) bool { return s == On || s == Default && byDefault }

// UnmarshalText reads true, false, on or off.
func (s *Switch) UnmarshalText(text []byte) error {
	switch string(text) {
	case "on":
		*s = On
		return nil
	case "off":
		*s = Off
		return nil
	}
	on, err := strconv.ParseBool(string(text))
	if err != nil {
		return fmt.Errorf("%q is neither true nor false", text)
	}
	*s = Off
	if on {
		*s = On
	}
	return nil
}

// MarshalText writes true, false, or nothing for [Default].
func (s Switch) MarshalText() ([]byte, error) {
	switch s {
	case On:
		return []byte("true"), nil
	case Off:
		return []byte("false"), nil
	}
	return nil, nil
}
