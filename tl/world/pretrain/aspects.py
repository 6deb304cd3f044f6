"""What is asked about things in plain words: how much (a price), how far (a distance), when (a
date). Functions that answer name the aspect, requests often do not.
"""

from tl.world.pretrain.lexicon import Action, read_actions

# Names of the aspect | descriptions | requests. {s} is the thing.
ASPECTS: tuple[Action, ...] = read_actions(
    """
price; cost; fee
| The price of a {s}; What a {s} costs
| How much is the {s}; What does the {s} cost; What is the price of the {s}; How expensive is the
  {s}; How dear is the {s}

distance; length
| How long a {s} is; The length of a {s}; How far it is
| How far is the {s}; How long is the {s}; What is the distance of the {s}; Is the {s} far

duration; minutes
| How long a {s} takes; The duration of a {s}
| How long does the {s} take; How much time does the {s} need; How many minutes is the {s}

date; day; schedule
| The date of a {s}; When a {s} is
| When is the {s}; On which day is the {s}; What is the date of the {s}; When does the {s} start

hours; opening_hours; times
| When a {s} is open; The opening hours of a {s}
| When is the {s} open; Is the {s} open; When does the {s} close; Until when is the {s} open

location; address; place
| Where a {s} is; The location of a {s}
| Where is the {s}; Where can I find the {s}; What is the address of the {s}; In which place is the
  {s}

weather; forecast
| The weather at a {s}; What the weather of the {s} will be
| Is it warm at the {s}; Will it rain at the {s}; How is the weather at the {s}; Does the sun shine
  at the {s}

temperature; heat
| The temperature of a {s}; How warm a {s} is
| How warm is the {s}; How cold is the {s}; What is the temperature of the {s}; Is the {s} hot

weight; mass
| The weight of a {s}; How heavy a {s} is
| How heavy is the {s}; What does the {s} weigh; How many grams has the {s}

size; dimensions
| The size of a {s}; How big a {s} is
| How big is the {s}; How large is the {s}; Does the {s} fit; What is the size of the {s}

age; year
| The age of a {s}; How old a {s} is
| How old is the {s}; What is the age of the {s}; From which year is the {s}

author; owner; creator
| Who made a {s}; The author of a {s}
| Who wrote the {s}; Who made the {s}; Whose {s} is it; By whom is the {s}

status; state
| The status of a {s}; How a {s} is
| What happened to the {s}; How is the {s}; Is the {s} done; What is the state of the {s}

result; score; outcome
| The result of a {s}; How a {s} ended
| Who won the {s}; How did the {s} end; What was the result of the {s}; Which side was better
  in the {s}; How many goals had the {s}

ranking; table; standings
| The ranking of a {s}; Who leads a {s}
| Who is first in the {s}; Who leads the {s}; Which place has the {s};
  What is the ranking of the {s}

reviews; opinions; comments
| What people say about a {s}; Reviews of a {s}
| What do people say about the {s}; Is the {s} good; What do others think of the {s}; Show me
  opinions on the {s}

rating; stars
| The rating of a {s}; How good a {s} is
| How good is the {s}; How many stars has the {s}; What is the rating of the {s}

stock; copies; supply
| How many pieces of a {s} there are; The stock of a {s}
| How many of the {s} are left; Is the {s} still there; Do you have the {s}; How many pieces of the
  {s} are there

balance; money
| The balance of a {s}; How much money a {s} has
| How much money is on the {s}; How much is left on the {s}; What is the balance of the {s}

meaning; definition
| What a {s} means; The meaning of a {s}
| What does the {s} mean; Explain the {s}; I do not understand the {s}; What is the {s}

language; languages
| The language of a {s}; In which language a {s} is
| In which language is the {s}; What is the language of the {s}

ingredients; contents; parts
| What is in a {s}; The parts of a {s}
| What is in the {s}; Of what is the {s} made; Which parts has the {s}; What belongs into the {s}

steps; instructions; guide
| How a {s} is made; The steps of a {s}
| How do I make the {s}; How is the {s} made; Show me how the {s} works

nutrition; calories
| Calories of a {s}; How healthy a {s} is
| Is there much fat in the {s}; Is the {s} healthy; How much protein is in the {s}

route; way; directions
| The way to a {s}; How to get to a {s}
| How do I get to the {s}; Which way is it to the {s}; Show me the way to the {s}

members; players; people
| Who belongs to a {s}; The people of a {s}
| Who is in the {s}; Who belongs to the {s}; Which people are in the {s}; Who plays in the {s}

history; past
| The past of a {s}; What a {s} was before
| What was the {s} before; How was the {s} in the past; What happened to the {s}
  before

news; headlines
| The news about a {s}; The latest on a {s}
| What is the latest on the {s}; What is written about the {s}; Is there news on the {s}

errors; faults; problems
| What goes wrong in a {s}; The faults of a {s}
| What is wrong with the {s}; Why does the {s} fail; Did the {s} fail; Which errors has the {s}

alerts; warnings
| The warnings for a {s}; What to beware of at a {s}
| Is the {s} dangerous; Are there warnings for the {s}; What should I beware of at the {s}

quality; condition
| The quality of a {s}; How clean a {s} is
| How dirty is the {s}; How good is the {s}; What is the quality of the {s}

speed; pace
| The speed of a {s}; How fast a {s} is
| How fast is the {s}; What is the speed of the {s}

phone; contact; mail
| How to reach a {s}; The contact of a {s}
| How can I reach the {s}; What is the number of the {s}; How do I call the {s}; What is the mail
  address of the {s}

seats; rooms; places
| Free places of a {s}; Whether a {s} has room
| Is there a place in the {s}; Is the {s} full; How many places has the {s};
  Is there room in the {s}

rate; exchange
| The rate of a {s}; What a {s} is worth
| What is the {s} worth; Is the {s} worth much; What is the rate of the {s}

summary; overview
| What is said in a {s}; A {s} in short
| What is the {s} about; Tell me about the {s}; Sum up the {s}; Give me the {s} in short

title; name
| The name of a {s}; How a {s} is called
| How is the {s} called; What is the name of the {s}; What is the {s} called
"""
)
