namespace Atelier.Data.Worlds;

/// <summary>
/// The grammar of the English stories. All words that follow "a" begin with consonants, so that "an" is never needed.
/// </summary>
internal static class StoriesEnglish
{
    public const string Rules = """
        hero(name, she, her, She) =
            Mia/she/her/She | Ann/she/her/She | Eva/she/her/She | Lily/she/her/She
            | Zoe/she/her/She | Ida/she/her/She | Joy/she/her/She | Nell/she/her/She
            | Tom/he/his/He | Ben/he/his/He | Max/he/his/He | Leo/he/his/He
            | Sam/he/his/He | Finn/he/his/He | Hugo/he/his/He | Otto/he/his/He

        trait = shy | tall | kind | wise | bold | quick | young | merry | quiet | proud | poor | rich | brave | gentle
            | sleepy | lucky
            | loud | short | calm | vain | lazy | busy | clever | polite | lonely | curious | tidy | jolly | humble
            | sturdy | patient | hopeful
        job = baker | miller | tailor | sailor | farmer | hunter | painter | potter | weaver | singer | dancer | doctor
            | judge | cook
            | monk | nurse | pilot | poet | clerk | guard | smith | barber | banker | teacher | porter | cobbler
            | gardener | shepherd
            | juggler | printer | carter | diver
        town = Ulm | Rome | York | Bath | Bonn | Cork | Lima | Oslo | Paris | Kyoto | Delhi | Cairo | Tunis | Turin
            | Ghent | Porto
            | Riga | Quito | Baku | Malmo | Leeds | Dover | Trier | Basel | Nice | Jena | Pisa | Graz | Lyon | Seoul
            | Havana | Zagreb
        object = drum | rope | lamp | kite | bell | book | boot | coat | comb | clock | cup | flag | flute | fork | hat
            | jar
            | key | knife | map | mirror | net | pen | pipe | pot | ring | saw | shell | spade | spoon | sword | tent
            | whistle
        number = two | three | four | five | six | seven | eight | nine | ten | twelve | twenty | fifty
        goods = pins | nails | coins | beads | bricks | candles | cards | dolls | forks | gloves | hooks | jugs | kegs
            | locks | masks | needles
            | plates | quills | rugs | sacks | scarves | shirts | socks | stamps | stools | tiles | tops | towels
            | vases | wigs | buttons | marbles
        weather = wet | dry | cold | warm | mild | grey | dark | bright | windy | foggy | rainy | snowy | sunny | stormy
            | frosty | dusty
        day = Monday | Tuesday | Wednesday | Thursday | Friday | Saturday | Sunday | night | noon | dawn | morning
            | evening
        colour = red | blue | green | brown | black | white | pink | gold | silver | purple | yellow | striped | spotted
            | pale | golden | snowy
        animal = owl | fox | cat | dog | hen | cow | pig | goat | frog | toad | bear | wolf | swan | duck | crow | mole
            | mouse | otter | horse | sheep | snail | whale | lion | tiger | zebra | camel | parrot | badger | rabbit
            | lizard | beetle | donkey
        near = by | near | behind | under | below | beside | past | inside
        look = old | new | lost | cool | deep | steep | quiet | ruined | holy | secret | hidden | empty | crooked
            | mossy | sandy | stony
        place = mill | lake | barn | well | hill | cave | gate | inn | pond | wood | bridge | tower | castle | church
            | garden | harbour
            | market | meadow | forest | fountain | cliff | beach | river | road | school | shop | stable | swamp
            | temple | tunnel | village | vineyard
        sang = sang | spoke | dreamed | told | knew | joked | asked | whispered
        theme = ships | bread | stars | kings | queens | gold | rain | snow | love | war | peace | spring | winter
            | ghosts | giants | dwarfs
            | dragons | pirates | pearls | roses | clouds | storms | islands | rivers | deserts | moons | music | magic
            | honey | thieves | wizards | trains
            | bees | ants | apples | books | bells | boats | brooms | caves | cheese | clowns | dust | fairies | fire
            | fish | geese | grass
            | ice | jam | knights | lakes | maps | mice | mud | nests | oceans | palms | parks | salt | sand | sheep
            | smoke | thunder
        food = figs | nuts | milk | soup | tea | corn | rice | beans | pears | plums | grapes | dates | cake | cream
            | butter | pie
            | eggs | ham | jelly | kale | lemons | melons | oats | olives | onions | peas | pepper | radish | toast
            | turnips | wine | yams
        mood = warm | glad | wet | tired | happy | hungry | sleepy | proud | rich | wise | dusty | muddy | merry | calm
            | cheerful | famous
            | tall | brave | free | gentle | grateful | healthy | hopeful | lucky | older | quiet | richer | safe
            | smiling | strong | wiser | young

        opening = {hero.name} was a {trait} {job} from {town}.
        meeting = One {weather} {day} {hero.she} met a {colour} {animal} {near} the {look} {place}.
        talk = It {sang} of {theme}, {theme} and {theme}.
        gifts = {hero.She} gave it {food} and {hero.her} {object}; it gave {number} {goods}.
        end = So {hero.name} came home {mood} and {mood}.
        story = {opening} {meeting} {talk} {gifts} {end}
        """;
}
