package redis

import (
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/setting"
)

func TestAddressOfTheServer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config   Config
		env      string
		network  string
		hosts    []string
		username string
		password string
		db       int
		tls      bool
	}{
		"defaults":           {Config{}, "", "tcp", []string{"127.0.0.1:6379"}, "", "", 0, false},
		"host and port":      {Config{Host: "::1", Port: 7000, Username: "u", Password: "p", DB: 3, TLS: true}, "", "tcp", []string{"[::1]:7000"}, "u", "p", 3, true},
		"URL":                {Config{URL: "redis://u:p%40@h:1/2", Host: "x"}, "redis://y", "tcp", []string{"h:1"}, "u", "p@", 2, false},
		"URL without a port": {Config{URL: "rediss://h"}, "", "tcp", []string{"h:6379"}, "", "", 0, true},
		"URL of Valkey":      {Config{URL: "valkeys://:p@[::1]"}, "", "tcp", []string{"[::1]:6379"}, "", "p", 0, true},
		"socket":             {Config{URL: "unix:///a/b.sock?db=4"}, "", "unix", []string{"/a/b.sock"}, "", "", 4, false},
		"URL and settings":   {Config{URL: "redis://h", Username: "u", Password: "p", DB: 2}, "", "tcp", []string{"h:6379"}, "u", "p", 2, false},
		"URL with a user":    {Config{URL: "redis://v@h/0", Username: "u", Password: "p", DB: 2}, "", "tcp", []string{"h:6379"}, "v", "", 0, false},
		"environment":        {Config{Host: "x"}, "redis://h:1", "tcp", []string{"h:1"}, "", "", 0, false},
		"Cluster":            {Config{Cluster: []string{"a:1", "b:2"}}, "redis://h:1", "tcp", []string{"a:1", "b:2"}, "", "", 0, false},
		"Sentinels":          {Config{Sentinels: []string{"a:1"}, DB: 5, Password: "p"}, "redis://h:1", "tcp", []string{"a:1"}, "", "p", 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setting.Fill(&test.config)
			if err := test.config.check(); err != nil {
				t.Fatal(err)
			}
			a, err := test.config.address(func(string) string { return test.env })
			if err != nil {
				t.Fatal(err)
			}
			if a.network != test.network || !slices.Equal(a.hosts, test.hosts) || a.username != test.username || a.password != test.password || a.db != test.db || (a.tls != nil) != test.tls {
				t.Errorf("address = %+v", a)
			}
		})
	}
}

func TestWrongSettingsAreRefusedWithoutTheirPasswords(t *testing.T) {
	t.Parallel()
	for want, config := range map[string]Config{
		`redis.url has the scheme "mysql"`:                    {URL: "mysql://u:secret@h"},
		"redis.url cannot be parsed":                          {URL: "redis://u:secret@h:port"},
		"redis.url has no host":                               {URL: "redis://:secret@"},
		`redis.url has the database "x"`:                      {URL: "redis://u:secret@h/x"},
		`redis.url has the parameter "a"`:                     {URL: "redis://u:secret@h?b=1&a=2"},
		"redis.url has no path":                               {URL: "unix://"},
		`redis.sentinels has "a", which is no host:port`:      {Sentinels: []string{"a"}, Password: "secret"},
		`redis.cluster has "a:b:c", which is no`:              {Cluster: []string{"a:b:c"}},
		"redis.DB is 3, and a Redis Cluster has only":         {Cluster: []string{"a:1"}, DB: 3},
		"redis.cluster and redis.sentinels are both set":      {Cluster: []string{"a:1"}, Sentinels: []string{"b:1"}},
		"redis.url is set together with redis.cluster":        {URL: "redis://:secret@h", Cluster: []string{"a:1"}},
		`redis.prefix is "a:b": it must have`:                 {Prefix: "a:b"},
		`redis.prefix is "{a}": it must have`:                 {Prefix: "{a}"},
		"redis.ca cannot be read":                             {TLS: true, CA: "/nothing/here"},
		`redis.ca is "address_test.go", which has no`:         {TLS: true, CA: "address_test.go"},
		`redis.cert is "a" and redis.key is "": set both`:     {TLS: true, Cert: "a"},
		"redis.port is 70000: it must be from 1 to 65535":     {Port: 70000},
		"redis.localCache is 1m0s: it must be from 0s to 10s": {LocalCache: 60e9},
	} {
		setting.Fill(&config)
		err := config.check()
		if err == nil {
			_, err = config.address(func(string) string { return "" })
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
