"""Words of the pre-training text: nouns, ways to ask for an action, kinds of parameters.

Nothing here is a tool of the world: functions are put together from these words at random.
"""

from typing import NamedTuple

NOUNS = tuple(
    """
    account address alarm album animal answer apartment appointment archive area article artist
    author badge bag bakery balance balcony ball band bank basket battery beach bed bicycle bike
    bill bird blanket blog board boat body book booking booth border bottle bowl box branch bridge
    bridle broker brush bucket budget building bus button cabin cable cake calendar call camera
    camp candle card carpet cart castle catalog ceiling cell chain chair channel chapter charge
    chart chat church cinema circle claim class client climate clinic clock cloud club coach coat
    code coin collection color column comment company concert contact container contest contract
    cookie copy corner cost country county coupon course court cousin cover crane credit crew crop
    cup currency customer cycle dam dance data date deadline deal debt decision degree delivery
    department deposit desert design desk device diagram dictionary diet dinner director discount
    disease dish disk district doctor document dog domain door dose draft drawer dream dress drill
    drink driver drone duty editor election email employee energy engine entry episode error essay
    estate event exam exchange exercise exhibit expense export factory fair family fan farm fee
    fence ferry festival field figure file film filter fine fire firm fish flag flat flight flood
    floor flower folder font food forecast forest form format forum fountain frame friend fruit fuel
    fund furniture gallery game garage garden gas gate gift goal grade grant graph group guest guide
    guitar gym hall harbor hat hazard header headline heater height hero highway hike hill hobby
    holiday home horse hospital host hotel hour house humidity idea image import income index
    insect insurance invitation invoice island item jacket job joke journal journey judge juice
    kettle key keyword kitchen kite label lake lamp language laptop law lawyer lawn layer leader
    league leaf lecture lesson letter level library license light limit line link list loan
    location lock log lottery lunch machine magazine mail manager manual map market mask match meal
    meaning measure meeting member memo memory menu message meter method metric mirror mission
    mode model module moon mortgage motor mountain movie museum music name neighbor nest network
    newspaper note notice novel number nurse object offer office opera opinion option order
    organ outlet oven owner package page paint pair palace panel paper paragraph parcel park
    parking part partner party passenger passport password patch patient pattern payment peak pen
    pension permit person pet pharmacy phone photo piano picture piece pilot pipe place plan planet
    plant plate platform player playlist plot pocket podcast poem point policy poll pond pool port
    post poster potato power practice prescription present price printer prize problem process
    product profile profit program project proof property proposal protein purchase puzzle quarter
    query question queue quiz quote rack radio rain ranking rate rating reader reason receipt
    recipe record refund region registry reminder rent repair replay report request rescue
    reservation resort result return review reward ride ring river road robot role roof room root
    rope round route rule runner safe salary sale salad sample sauce scale scan schedule school
    score screen script seal season seat section seed sensor sentence series server service session
    setting shape share sheet shelf shift ship shirt shoe shop show sign signal singer site size
    skill sky sleep slice slide slot snack snow sofa software soil song sound soup source speaker
    speech speed sport spot spring square stadium staff stage stamp star station statue status step
    stock stone stop store storm story stranger stream street student studio study style subject
    subscription suitcase sum supplier surface survey switch symbol symptom syrup system table tag
    talk tank target task tax taxi tea teacher team temperature temple tenant tent term test text
    theater theme theory ticket tide tile time timer tip title toast tool topic tour tournament
    tower town toy track trade traffic trail train trainer transfer translation trap tray treaty
    tree trend trial trip truck tunnel type unit update user vacation valley value van vehicle
    version video view village vine visa visit visitor voice volume vote voucher wage wall wallet
    warehouse warning watch water wave weather website wedding week weight wheel widget wind window
    wine wing winner wire word work worker workout workshop world yard year zone
    """.split()
)
IRREGULAR = {"person": "people", "leaf": "leaves", "shelf": "shelves", "series": "series",
             "data": "data", "weather": "weather", "traffic": "traffic", "music": "music",
             "furniture": "furniture", "software": "software", "energy": "energy",
             "staff": "staff", "fish": "fish", "potato": "potatoes", "hero": "heroes"}  # fmt: skip
# Words that requests may use for each other.
SYNONYMS = tuple(
    tuple(pair.split("/"))
    for pair in """
    photo/picture movie/film shop/store price/cost doctor/physician mail/message trip/journey
    address/location picture/image bike/bicycle package/parcel meal/dish apartment/flat job/work
    town/city error/fault client/customer test/exam street/road present/gift salary/wage title/name
    phone/telephone meeting/appointment invoice/bill score/result song/track task/job
    reservation/booking vacation/holiday size/width guide/manual warning/alert question/query
    subject/topic amount/sum kind/type car/vehicle pupil/student sickness/disease
    """.split()
)
ADJECTIVES = tuple(
    """
    active blue broken cheap clean closed cold complete correct current daily dark deep digital
    direct double dry early easy electric empty extra fast final first flat free fresh full funny
    general global green hard heavy hidden high hot human indoor instant large last late latest
    light local long loud low main major mean medical mild minor modern monthly narrow new next
    normal official old open outdoor past personal plain popular present private public pure quick
    quiet random rare raw recent red regular rich rough round safe secret sharp short silent simple
    single slow small smart smooth social soft solid special standard steep strict strong sweet
    tall thick thin tiny top total upper urgent valid warm weak weekly wet white wide wild wooden
    wrong yearly yellow young
    """.split()
)


class Action(NamedTuple):
    """names: verbs of function names; docs: descriptions; asks: requests. {s} one thing, {p} many
    of them, {a} an adjective. A doc or ask may serve any of the names: they are synonyms."""

    names: tuple[str, ...]
    docs: tuple[str, ...]
    asks: tuple[str, ...]


def read_actions(table: str) -> tuple[Action, ...]:
    """Actions of `names | docs | asks`: an empty line between two, `;` inside of each cell."""
    cells = (block.split("|") for block in table.split("\n\n"))
    return tuple(Action(*(tuple(map(_joined, c.split(";"))) for c in cell)) for cell in cells)


def _joined(text: str) -> str:
    return " ".join(text.split())


ACTIONS = read_actions(
    """
get; fetch; show; read; load
| Get the {s}; The {s}; Return the {s}; Read the {s}
| Show me the {s}; What is the {s}; Give me the {s}; Tell me the {s}; I need the {s}; Get the
  {s}; I would like to know the {s}

search; find; list
| Search {p}; Find {p}; List {p}; Look for {p}
| Find {p}; Search {p}; Show me {p}; List {p}; Are there {p}; Look for {p}; I am looking for
  {p}; Which {p} are there; I want a {s}

count
| Count the {p}; The number of {p}
| How many {p} are there; Count the {p}; What is the number of {p}; How many {p}

check; test
| Check whether a {s} is {a}; Check the {s}; Tell whether the {s} is {a}
| Is the {s} {a}; Check the {s}; Is there a {a} {s}; Check whether the {s} is {a}

create; add; make
| Create a {s}; Add a {s}; Make a new {s}
| Create a {s}; Add a {s}; Make a {s}; I want a new {s}; Set up a {s}; I need a new {s}

delete; remove; erase
| Delete a {s}; Remove a {s}; Erase a {s}
| Delete the {s}; Remove the {s}; Erase the {s}; Get rid of the {s}; I do not want the {s}

cancel
| Cancel a {s}; Call off a {s}
| Cancel the {s}; Call off the {s}; I cannot make the {s}; The {s} is off, cancel it

update; change; edit; set
| Update a {s}; Change a {s}; Edit a {s}; Set the {s}
| Update the {s}; Change the {s}; Edit the {s}; Set the {s}; The {s} has changed, update it

book; reserve
| Book a {s}; Reserve a {s}
| Book a {s}; Reserve a {s}; I need a {s}, book it; I would like to reserve a {s}

order; buy
| Order a {s}; Buy a {s}
| Order a {s}; Buy a {s}; I want to buy a {s}; Get me a {s}

send; mail; share
| Send a {s}; Share a {s}; Mail a {s}
| Send the {s}; Share the {s}; Mail the {s}; Send a {s}; Write a {s}

move; shift
| Move a {s}; Shift a {s}
| Move the {s}; Shift the {s}; The {s} must go elsewhere, move it

copy; clone
| Copy a {s}; Make a copy of a {s}
| Copy the {s}; Make a copy of the {s}

rename
| Rename a {s}; Give a {s} another name
| Rename the {s}; Give the {s} a new name

convert; change
| Convert a {s}; Turn a {s} into another
| Convert the {s}; Turn the {s}; Write the {s} another way

calculate; compute
| Calculate the {s}; Work out the {s}; The {s}, calculated
| Calculate the {s}; Work out the {s}; What is the {s}; How much is the {s}; Compute the {s}

start; run; launch
| Start a {s}; Run the {s}
| Start the {s}; Run the {s}; Switch the {s} on; Launch the {s}

stop; halt
| Stop a {s}; Halt the {s}
| Stop the {s}; Halt the {s}; Switch the {s} off

open
| Open a {s}
| Open the {s}; I want to see the {s}, open it

close; lock
| Close a {s}; Lock a {s}
| Close the {s}; Lock the {s}; Shut the {s}

play
| Play a {s}
| Play the {s}; I want to hear the {s}; Play a {s}

translate
| Translate a {s}
| Translate the {s}; Put the {s} into another language; What is the {s} in another language

sort; rank
| Sort {p}; Rank the {p}
| Sort the {p}; Rank the {p}; Put the {p} in order

compare
| Compare two {p}; Compare {p}
| Compare the {p}; Which of the {p} is better

pay
| Pay a {s}
| Pay the {s}; Settle the {s}

track; follow
| Track a {s}; Follow a {s}
| Track the {s}; Where is the {s}; Follow the {s}; What happened to the {s}

rate; review
| Rate a {s}; Review a {s}
| Rate the {s}; Review the {s}; Give the {s} a mark

save; store; record
| Save a {s}; Store a {s}; Record the {s}
| Save the {s}; Store the {s}; Record the {s}; Keep the {s}; Put down the {s}

plan; schedule
| Plan a {s}; Schedule a {s}
| Plan a {s}; Schedule a {s}; Set up a {s}; We need a {s}, plan it

measure
| Measure the {s}; The measured {s}
| Measure the {s}; How large is the {s}; What is the {s} now

predict
| Predict the {s}; The {s} that is expected
| Predict the {s}; What will the {s} be; How will the {s} be; Which {s} do you expect

print
| Print a {s}
| Print the {s}; I need the {s} on paper

repair; fix
| Repair a {s}; Fix a {s}
| Repair the {s}; Fix the {s}; The {s} is broken, repair it

replace
| Replace a {s}
| Replace the {s}; Put another {s} there

describe; explain
| Describe a {s}; Explain the {s}; What a {s} is
| Describe the {s}; Explain the {s}; What does the {s} mean; Tell me about the {s}

recommend; suggest
| Recommend {p}; Suggest a {s}
| Recommend {p}; Suggest a {s}; Which {s} would you take; What {s} is good
"""
)

UNITS = tuple(
    """days pages seats rooms meters guests liters tickets copies minutes points hours
    weeks months pieces nights people grams steps euros dollars kilometers levels lines rows bottles
    players degrees words years percent adults children cups boxes""".split()
)
ENUM_TITLES = tuple(
    """mode format style order unit kind type level size color status category
    language genre theme quality priority class speed currency scale sort shape""".split()
)


def plural(noun: str) -> str:
    """The plural of the last word of a noun phrase."""
    head, _, last = noun.rpartition(" ")
    return f"{head} {_plural(last)}".strip()


def _plural(noun: str) -> str:
    if noun in IRREGULAR:
        return IRREGULAR[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"
