"""A client in another language: runs its exec plugin as client-go does, then asks the API server.

Prints what the plugin said as one line of JSON, then the answer's code and body; waits for a line on standard input
before each further request. A number there has it ask for so many objects that are not there, on one connection."""
import http.client, json, ssl, subprocess, sys, urllib.parse, urllib.request, urllib.error

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


def flood(times):
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPSConnection(place.netloc, context=context)
    for at in range(times):
        headers = {"Authorization": "Bearer " + said["status"]["token"]}
        connection.request("GET", f"{place.path}/none-{at}", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    print(answer.status, body.decode().strip(), flush=True)


ask()
for line in sys.stdin:
    flood(int(line)) if line.strip() else ask()
