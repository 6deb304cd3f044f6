"""Texts of many runtimes, written down after the rules of tl.calls were. In two rounds 14 of
the 114 were misjudged at first: 12 errors were missed, 2 answers were taken for errors.
"""

from tl.calls.feedback import ErrorType

NO_TOOL = ErrorType.TOOL_HALLUCINATION
INSTABILITY = ErrorType.TOOL_INSTABILITY
FAILURE = ErrorType.TOOL_CALL_FAILURE

# fmt: off
UNSEEN_ERRORS = [
    (INSTABILITY,
        '{"title":"Too Many Requests","detail":"Usage cap exceeded: Monthly product cap",'
        '"type":"https://api.twitter.com/2/problems/usage-capped","status":429}'),
    (FAILURE, '{"error_code":110,"error_msg":"Access token invalid or no longer valid"}'),
    (FAILURE,
        '{"errors":[{"message":"Cannot query field \\"nme\\" on type \\"User\\".","locations"'
        ':[{"line":1,"column":9}]}]}'),
    (FAILURE,
        '{"name":"SequelizeUniqueConstraintError","message":"Validation error","parent":n'
        "ull}"),
    (INSTABILITY, '{"__type":"ThrottlingException","message":"Rate exceeded"}'),
    (INSTABILITY,
        '{"statusCode":422,"message":["limit must not be greater than 100"],"error":"Unpr'
        'ocessable Entity"}'),
    (INSTABILITY, '{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}'),
    (FAILURE, '{"Response":"False","Error":"Movie not found!"}'),
    (INSTABILITY,
        '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"p'
        'ods \\"web\\" not found","reason":"NotFound","details":{"name":"web","kind":"pods"'
        '},"code":404}'),
    (INSTABILITY,
        'rpc error: code = Unavailable desc = connection error: desc = "transport: Error '
        'while dialing"'),
    (FAILURE,
        'java.lang.NullPointerException: Cannot invoke "String.length()" because "<local1'
        '>" is null\n\tat Main.main(Main.java:5)'),
    (FAILURE,
        'Exception in thread "main" java.lang.ArrayIndexOutOfBoundsException: Index 5 out'
        " of bounds for length 3"),
    (FAILURE, 'Uncaught SyntaxError: Unexpected token \'<\', "<!DOCTYPE "... is not valid JSON'),
    (FAILURE, "Cannot read properties of undefined (reading 'map')"),
    (FAILURE, "runtime error: integer divide by zero"),
    (FAILURE, 'strconv.Atoi: parsing "abc": invalid syntax'),
    (FAILURE, "make: *** No rule to make target 'all'.  Stop."),
    (FAILURE, "tar: Cowardly refusing to create an empty archive"),
    (INSTABILITY, "ssh: connect to host 10.0.0.1 port 22: Connection timed out"),
    (FAILURE,
        'ERROR:  duplicate key value violates unique constraint "users_pkey"\nDETAIL:  Key'
        " (id)=(1) already exists."),
    (FAILURE, 'near "FORM": syntax error'),
    (INSTABILITY, "MongoServerSelectionError: connect ECONNREFUSED 127.0.0.1:27017"),
    (FAILURE,
        "An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: The s"
        "pecified bucket does not exist"),
    (FAILURE,
        "ERROR: (gcloud.compute.instances.describe) Could not fetch resource:\n - The reso"
        "urce was not found"),
    (NO_TOOL, "Tool get_weather does not exist. Available tools: search, calculator"),
    (FAILURE,
        'MCP error -32602: Invalid arguments for tool get_weather: [{"code":"invalid_type'
        '","expected":"string"}]'),
    (FAILURE, "Input validation error: 'abc' is not of type 'integer'"),
    (FAILURE, "Value of 'units' must be one of: metric, imperial"),
    (FAILURE, "Date must be in the format YYYY-MM-DD"),
    (INSTABILITY, "Service temporarily unavailable, please retry in 30 seconds"),
    (FAILURE, "The requested symbol could not be found."),
    (FAILURE, "<tool_use_error>File has not been read yet.</tool_use_error>"),
    (FAILURE,
        '{"result": null, "error": {"code": "city_not_found", "message": "No city matches'
        '"}}'),
    (FAILURE, '{"status":"fail","data":{"title":"A title is required"}}'),
    (FAILURE, "yaml.scanner.ScannerError: mapping values are not allowed here"),
    (INSTABILITY,
        '{"error":{"code":"rate_limit_exceeded","message":"Rate limit reached for request'
        's","type":"requests","param":null}}'),
    (FAILURE,
        '{"type":"error","error":{"type":"invalid_request_error","message":"messages: at '
        'least one message is required"}}'),
    (FAILURE,
        '{"code":"PGRST116","details":"The result contains 0 rows","hint":null,"message":'
        '"JSON object requested, multiple rows returned"}'),
    (FAILURE,
        '{"message":"The given data was invalid.","errors":{"email":["The email field is '
        'required."]}}'),
    (INSTABILITY,
        '{"fault":{"faultstring":"Rate limit quota violation","detail":{"errorcode":"poli'
        'cies.ratelimit.QuotaViolation"}}}'),
    (FAILURE, '{"errno":-2,"code":"ENOENT","syscall":"open","path":"/tmp/x"}'),
    (FAILURE, "Error: ENOENT: no such file or directory, open '/tmp/x'"),
    (FAILURE, "open /etc/foo.yaml: no such file or directory"),
    (FAILURE,
        "sqlalchemy.exc.IntegrityError: (sqlite3.IntegrityError) UNIQUE constraint failed"
        ": users.email"),
    (FAILURE, "ORA-01017: invalid username/password; logon denied"),
    (FAILURE,
        "thread 'main' panicked at src/main.rs:4:5:\nindex out of bounds: the len is 3 but"
        " the index is 9"),
    (FAILURE, "error[E0382]: borrow of moved value: `s`"),
    (INSTABILITY,
        "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connec"
        "tion refused."),
    (FAILURE, "The specified key does not exist."),
    (FAILURE, "zsh: command not found: foo"),
    (FAILURE, "rm: cannot remove 'x': No such file or directory"),
    (INSTABILITY, "Could not resolve host: api.example.com"),
    (FAILURE, "Tool call failed: missing property 'city'"),
    (NO_TOOL, "Error: No such tool: get_weather"),
    (FAILURE, "I'm sorry, but I couldn't find a flight with that number."),
    (INSTABILITY, "{'error': 'timeout', 'retry_after': 30}"),
    (FAILURE, "Expected a number but received a string"),
    (FAILURE, "Command failed with exit code 2: npm test"),
    (FAILURE, "InvalidArgumentException: city must not be blank"),
    (FAILURE, "SyntaxError: Unexpected end of JSON input"),
    (INSTABILITY,
        "Client network socket disconnected before secure TLS connection was established"),
]
UNSEEN_ANSWERS = [
    '{"id":"t-9","subject":"Error on login page","error":"500 when clicking","assignee":"kim"}',
    '{"test":"t1","passed":false,"error":"expected 3 got 4"}',
    '{"code":"ERR","name":"Eritrean Railway"}',
    '{"level":"warn","message":"connection refused, retrying","service":"db"}',
    '{"commits":[{"sha":"a1","message":"fix: TypeError: x is not a function"}]}',
    '{"exit_code":0,"stdout":"","stderr":"DeprecationWarning: old"}',
    '{"status":"done","error":null,"rows":3}',
    '{"success":true,"warnings":["timeout was raised to 30"]}',
    '{"margin_of_error":"3%","sample":1000}',
    '{"code":500,"unit":"mg","message":"take twice a day","drug":"x"}',
    '{"code":1,"message":"created"}',
    '{"status":"resolved","message":"server error fixed"}',
    "Invalid is a 2019 album by the band Null.",
    "Not Found (2004) is a novella about lost maps.",
    "Forbidden City: palace complex in Beijing, China",
    "The flight was not delayed; no errors were reported.",
    "Failed states: an index of 178 countries",
    "Fatal Attraction (1987), directed by Adrian Lyne",
    "Missing: two cats, one dog",
    "Unknown Pleasures was released in 1979",
    "Please note that the museum is closed on Mondays.",
    "Cannot recommend this hotel enough, five stars",
    "Access to the pool is denied to children under 6",
    "Timeout was set to 30 seconds",
    "Panic! at the Disco",
    "Unable is an adjective; synonyms: incapable, powerless",
    "403 new subscribers since Monday",
    "Exceptions to the rule: weak verbs",
    "No errors found. 12 files checked.",
    "Connection: Paris to Lyon, 2 h 4 min, no change",
    '{"word":"exception","type":"noun","definition":"a person or thing that is excluded"}',
    '{"title":"Unknown Error","artist":"The Band","year":2004}',
    '{"error":"404","page":"/old","hits":12}',
    '{"items":[],"message":"No items found"}',
    '{"status":"closed","error":"resolved by user","ticket":4}',
    '{"name":"TimeoutError","docs":"Raised when a system function timed out"}',
    '{"sensor":"s1","fault":false,"reading":3.1}',
    '{"query":"error 500","count":2,"results":[{"title":"Error 500"}]}',
    '{"code":"AMS","message":"Amsterdam Schiphol"}',
    '{"type":"fault","name":"San Andreas","length_km":1200}',
    "The search returned 0 errors and 3 warnings.",
    "Error bars show one standard deviation.",
    "Denied: the Story of an Appeal won two awards",
    "Your reservation is confirmed. Cancellation is not possible after Friday.",
    "Unlimited requests, no rate limit.",
    "Invalid votes made up 2% of the total.",
    "Please remember to bring a valid passport.",
    "He could not attend the 2019 finals due to injury.",
    "Missing You, single by John Waite",
    "Unable to swim, he stayed ashore?",
    "'Hello, world'",
    "Crash Course: a series on YouTube",
    "Connection established in 12 ms",
]
# fmt: on
