"""Words that belong together: what somebody who knows English connects, whatever the sentence.

A function of a field has some of its words in name and description; requests use others.
"""

import random

FIELDS: tuple[tuple[str, ...], ...] = tuple(
    tuple(line.split())
    for line in """
    weather rain snow wind sun cloud storm warm cold umbrella degrees forecast wet dry sky outside
    air clean dirty smoke pollution dust breathe smell
    flight fly plane airport airline gate pilot takeoff landing board luggage
    train station rail platform track conductor ticket carriage
    hotel room night bed stay guest reception sleep suite
    booking reservation reserve seat cancel confirm
    journey travel trip visit tour abroad passport visa luggage suitcase
    road street route way drive car traffic bridge turn junction
    distance far near kilometers miles long between
    place spot near around where museum pharmacy restaurant park
    opening hours open closed shut door today
    money currency euro dollar exchange change convert cash coins
    price cost cheap expensive pay worth much
    bank account balance savings transfer deposit withdraw
    stock share market price shares symbol close traded
    loan interest rent mortgage debt borrow rate monthly
    tax income declare salary state percent
    bill restaurant tip split waiter share together
    health doctor ill sick pain fever nurse patient
    medicine pill pharmacy dose drug tablet
    body weight heavy kilogram tall height index fat slim weigh
    heart pulse beat blood pressure watch
    sleep night tired hours bed dream awake
    workout sport running swimming cycling training exercise minutes gym note
    meal eat dish lunch dinner breakfast food calories ate
    cooking cook recipe ingredient kitchen pan oven boil dish make
    fruit apple mango tomato vegetable carrot fresh
    drink water coffee tea juice thirsty bottle glass
    shopping list buy supermarket basket grams need
    product goods shop sell item catalog keyword available
    order delivery ship parcel arrive track package where
    return refund damaged wrong send back late
    review opinion customer stars say good bad think
    music song artist sing hear listen band album
    play start volume loud quiet room speaker
    radio station program broadcast listen news
    playlist mood happy sad calm party songs
    movie film cinema actor watch scene screen
    book author read novel write wrote page library
    loan borrow lend reader copy branch reserve
    match game team win lost score goal played result
    league table first points rank season leader club
    player number age shirt position nationality
    ticket event concert show stadium seats enter
    calendar day date appointment busy free week plan
    meeting invite event title start join colleague
    move shift later another day postpone
    mail message send write letter subject recipient address
    phone telephone call number contact reach
    office room desk floor building free people
    file document folder copy name save open
    server service machine running down up restart
    log lines warning entries latest read
    error fault fail wrong broken problem failed crash
    report documentation manual page term look
    ticket issue priority urgent open report create
    text words count many long number of
    letter alphabet character often times spell
    upper lower case capital title write
    sort order alphabetical first last row
    replace swap instead exchange another
    word meaning mean define definition explain
    synonym similar same like instead words
    opposite contrary reverse unlike
    translate language English French German Spanish foreign
    language detect written which recognise
    slogan advertise catchy brand product campaign
    greeting birthday wedding wish congratulate card
    poem verse rhyme lines stanza
    calculate sum add total plus result numbers
    mean average median statistics numbers smallest largest
    time clock hour minute zone noon midnight
    unit meter foot inch convert measure
    photo picture camera image shoot
    family mother father child son daughter
    school teacher pupil lesson class homework
    university student lecture exam degree
    job work boss salary hire employee
    house home door roof wall garden
    garden flower tree plant water grass
    animal dog cat horse bird pet
    sea ship boat harbor wave sail
    mountain hill climb peak hike
    car motor fuel garage repair drive
    bicycle bike ride wheel pedal
    clothes shirt shoe coat jacket wear
    color red blue green yellow paint
    news newspaper headline press written reported
    law court judge lawyer contract
    police thief emergency help rescue
    fire burn smoke flame alarm
    computer keyboard screen laptop software
    internet website page link online
    energy power electric battery lamp
    moon star planet space sky
    science research experiment theory study
    history past former earlier year ago
    future next coming soon expect ahead
    warning alert danger beware official careful
    quality good rating grade excellent
    size big small large width
    age old young years born
    speed fast slow quick limit
    key lock door secret password
    insurance damage cover accident claim
    gift present surprise wrap
    art paint gallery museum sculpture
    dance step music ball partner
    game chess puzzle card dice
    quiz question answer know guess
    vote election party candidate
    church temple prayer priest
    farm field cow milk corn
    factory machine worker produce
    hospital surgery ward nurse operation
    tooth dentist pain clean
    hair cut barber long short
    market stall sell buy fresh
    post stamp envelope letter office
    queue wait line turn number
    stairs lift floor building up
    bus stop line driver ride
    taxi ride driver fare
    parking car space garage ticket
    border customs passport officer
    map north south street find
    tower castle view old monument
    beach sand sun swim holiday
    winter snow ice ski cold
    summer hot sun holiday
    """.strip().splitlines()
)

# {a}, {b}, {c} are words of one field, of any part of speech: the sentences only name them.
DESCRIPTIONS = (
    "About {a} and {b}", "{a}, {b}", "What has to do with {a}, {b} and {c}", "For {a}: {b}",
    "Everything about {a}", "Whatever concerns {a} and {b}",
)  # fmt: skip
REQUESTS = (
    "What about {a}", "I want to know about {a} and {b}", "Tell me something about {a}",
    "It is about {a} and {b}", "My question: {a}, {b}", "It has to do with {a}, {b} and {c}",
    "Somebody said {a}, or was it {b}", "I am thinking of {a} and {b}", "{a}, {b}, {c}",
    "The word was {a}", "As to {a} and {b}, I need to know more", "Help me with {a}",
    "I need {a} and {b}", "Show me {a} with {b}", "Is there {a} or {b}", "{a} and {b}, I think",
    "Give me {a} for {b}", "Where is {a} of {b}", "Which {a} has {b}", "Look for {a}: {b}",
)  # fmt: skip


def related(words: object, rng: random.Random) -> str:
    """Some words of a field in each line, and again in another order."""
    separator = rng.choice((" ", ", ", " and ", "\n", " / ", "; "))
    lines = []
    for field in rng.sample(FIELDS, rng.randint(2, 5)):
        for _ in range(rng.choice((1, 2))):
            lines.append(separator.join(rng.sample(field, rng.randint(3, len(field)))))
    rng.shuffle(lines)
    return rng.choice(("\n", "\n\n", ".\n")).join(lines)
