"""A client in another language: runs its exec plugin as client-go does, then asks the API server.

Prints what the plugin said as one line of JSON, then the answer's code and body; waits for a line on standard input
before each further request."""
import http.client, json, ssl, subprocess, sys, urllib.request, urllib.error

url, ca, *plugin = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
said = json.loads(subprocess.run(plugin, capture_output=True, check=True).stdout)
print(json.dumps(said), flush=True)


def ask():
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + said["status"]["token"]})
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            print(answer.status, len(answer.read()), flush=True)
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode(), flush=True)
    except (OSError, http.client.HTTPException) as error:
        print(0, error, flush=True)


ask()
for _ in sys.stdin:
    ask()
