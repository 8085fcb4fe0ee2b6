"""A stock SOAP client: knows a service by its WSDL alone, and calls what it is told on its standard input.

Started with the WSDL's address, the name of the port (which tells the version of SOAP), and the value of an Authorization
header. Each line of its input is a call as JSON, {"call": NAME, "with": {…}}; each line of its output what came of it,
{"done": …} or {"fault": {…}}.
"""

import json
import sys

import requests
import zeep
from zeep.helpers import serialize_object
from zeep.transports import Transport

address, port, authorization = sys.argv[1:]
session = requests.Session()
session.trust_env = False
session.headers["Authorization"] = authorization
client = zeep.Client(address, transport=Transport(session=session, operation_timeout=60), settings=zeep.Settings(strict=True))
service = client.bind(next(iter(client.wsdl.services)), port)
print(json.dumps({"operations": sorted(service._operations)}), flush=True)

for line in sys.stdin:
    call = json.loads(line)
    try:
        done = {"done": serialize_object(service[call["call"]](**call["with"]), dict)}
    except zeep.exceptions.Fault as fault:
        detail = fault.detail
        code = None if detail is None else detail.findtext(".//{urn:hostler:fault:1}code")
        done = {"fault": {"whose": fault.code, "reason": fault.message, "code": code}}
    print(json.dumps(done, default=str), flush=True)
