using static Atelier.Data.Worlds.PairLexicon;

namespace Atelier.Data.Worlds;

/// <summary>
/// Draws sentences in English and Chinese together. Every choice is visible in both languages, so that each sentence
/// has one translation: Chinese, which has neither articles nor plurals nor tenses, says them by measure words,
/// numerals and particles, and nouns and verbs whose English forms coincide are used only where the rest tells them
/// apart.
/// </summary>
internal sealed class PairGrammar(ulong seed)
{
    private SplitMix64 _random = new(seed);

    private enum Mood
    {
        Statement, Question, WhoSubject, WhatObject, Where,
    }

    private enum Aspect
    {
        Past, Present, Progressive, Future, Wish, Ability,
    }

    /// <summary>Draws a sentence.</summary>
    public (string English, string Chinese) Sentence()
    {
        (string english, string chinese) = _random.Next(100) switch
        {
            < 35 => Clause(Pick(Verbs), Mood.Statement),
            < 70 => Clause(Pick(Verbs), Pick(Enum.GetValues<Mood>())),
            < 80 => Clause(Pick(Givings), Pick([Mood.Statement, Mood.Statement, Mood.Question, Mood.WhoSubject])),
            < 88 => Comparison(),
            < 94 => Description(),
            _ => Existence(),
        };
        return (char.ToUpperInvariant(english[0]) + english[1..], chinese);
    }

    private (string English, string Chinese) Clause(Verb verb, Mood mood)
    {
        bool isGiving = Givings.Contains(verb), isTransitive = verb.Objects != NounKind.None;
        if (mood == Mood.WhatObject && (!isTransitive || verb.Base == "wear")) // "wear" is two verbs in Chinese
            mood = Mood.Where;
        if (mood == Mood.Where && verb.IsState)
            mood = Mood.Question;
        Aspect aspect = verb.IsState ? Aspect.Present : Pick<Aspect>([Aspect.Past, Aspect.Past, Aspect.Present,
            verb.IsAction ? Aspect.Progressive : Aspect.Past, Aspect.Future, Aspect.Wish, Aspect.Ability]);
        bool isHabit = aspect == Aspect.Present && !verb.IsState;
        bool isNegative = mood == Mood.Statement && aspect != Aspect.Progressive && Chance(20);
        bool isPlain = mood == Mood.Statement && !isNegative;

        Nominal subject = mood == Mood.WhoSubject ? new("who", "谁") : Subject(verb, isPlain);
        Nominal thing = !isTransitive ? new("", "") : mood == Mood.WhatObject ? Asked(verb.Objects)
            : Object(verb.Objects, subject, isDefinite: isNegative || verb.IsState,
                mayHaveClause: isPlain && !isHabit && !isGiving && !subject.HasClause);
        Nominal recipient = isGiving ? Object(NounKind.Person, subject, isDefinite: true, mayHaveClause: false)
            : new("", "");
        bool isOpen = !thing.HasClause; // nothing follows a relative clause, so that it is clear what belongs to it
        Word? time = isHabit ? isNegative ? null : Pick(Frequencies)
            : isOpen && Chance(30) ? Time(aspect) : null;
        Word? place = mood == Mood.Where ? new("", "哪里")
            : isOpen && !verb.IsState && !isGiving && Chance(20) ? Place() : null;
        Word? manner = isPlain && isOpen && !subject.HasClause && verb.IsAction
            && aspect is Aspect.Past or Aspect.Progressive && Chance(20) ? Pick(Manners) : null;

        bool isInverted = mood is Mood.Question or Mood.WhatObject or Mood.Where;
        string first = mood == Mood.Where ? "where" : mood == Mood.WhatObject ? thing.English : "";
        string english = Join(first, Predicate(verb, aspect, subject, isInverted, isNegative),
            mood == Mood.WhatObject ? "" : thing.English, isGiving ? $"to {recipient.English}" : "",
            manner?.English, place?.English, time?.English);
        string chinese = (subject.IsIndefinite ? $"{time?.Chinese}有{subject.Chinese}" : subject.Chinese + time?.Chinese)
            + Auxiliary(aspect, isNegative, place) + manner?.Chinese + verb.Chinese
            + (aspect == Aspect.Past && !isNegative ? "了" : "") + recipient.Chinese + thing.Chinese;
        return mood switch
        {
            Mood.Statement => (english + ".", chinese + "。"),
            Mood.Question => (english + "?", chinese + "吗？"),
            _ => (english + "?", chinese + "？"),
        };
    }

    /// <summary>Returns the English subject and verb, with the auxiliary before the subject in a question.</summary>
    private static string Predicate(Verb verb, Aspect aspect, Nominal subject, bool isInverted, bool isNegative)
    {
        bool isThird = subject.Be == "is";
        string auxiliary = aspect switch
        {
            Aspect.Past => "did",
            Aspect.Progressive => subject.Be,
            Aspect.Future => "will",
            Aspect.Ability => "can",
            _ => isThird ? "does" : "do",
        };
        string main = aspect switch
        {
            Aspect.Progressive => verb.Gerund,
            Aspect.Wish => $"want to {verb.Base}",
            _ => verb.Base,
        };
        if (isInverted)
            return Join(auxiliary, subject.English, main);
        if (isNegative)
            return Join(subject.English, auxiliary == "can" ? "cannot" : $"{auxiliary} not", main);
        return Join(subject.English, aspect switch
        {
            Aspect.Past => verb.Past,
            Aspect.Present => isThird ? verb.Third : verb.Base,
            Aspect.Wish => isThird ? $"wants to {verb.Base}" : main,
            _ => $"{auxiliary} {main}",
        });
    }

    /// <summary>Returns the Chinese words between subject and verb; 正在 and 在 at a place share one 在.</summary>
    private static string Auxiliary(Aspect aspect, bool isNegative, Word? place) => (aspect, isNegative) switch
    {
        (Aspect.Past, true) => "没",
        (Aspect.Present, true) => "不",
        (Aspect.Progressive, _) => place is null ? "正在" : "正",
        (Aspect.Future, _) => isNegative ? "不会" : "会",
        (Aspect.Wish, _) => isNegative ? "不想" : "想",
        (Aspect.Ability, _) => isNegative ? "不能" : "能",
        _ => "",
    } + (place is null ? "" : "在" + place.Chinese);

    private (string English, string Chinese) Comparison()
    {
        Adjective adjective = Pick(Adjectives);
        NounKind kind = PickNoun(adjective.Kinds).Kind;
        Nominal own = Definite(kind), other = Definite(kind);
        while (other.Chinese == own.Chinese)
            other = Definite(kind);
        return _random.Next(3) switch
        {
            0 => ($"{own.English} {own.Be} not as {adjective.English} as {other.English}.",
                $"{own.Chinese}没有{other.Chinese}{adjective.Chinese}。"),
            1 => ($"{own.Be} {own.English} {adjective.Comparative} than {other.English}?",
                $"{own.Chinese}比{other.Chinese}{adjective.Chinese}吗？"),
            _ => ($"{own.English} {own.Be} {adjective.Comparative} than {other.English}.",
                $"{own.Chinese}比{other.Chinese}{adjective.Chinese}。"),
        };
    }

    private (string English, string Chinese) Description()
    {
        Adjective adjective = Pick(Adjectives);
        Nominal own = Definite(adjective.Kinds);
        return _random.Next(3) switch
        {
            0 => ($"{own.English} {own.Be} not {adjective.English}.", $"{own.Chinese}不{adjective.Chinese}。"),
            1 => ($"{own.Be} {own.English} {adjective.English}?", $"{own.Chinese}{adjective.Chinese}吗？"),
            _ => ($"{own.English} {own.Be} very {adjective.English}.", $"{own.Chinese}很{adjective.Chinese}。"),
        };
    }

    private (string English, string Chinese) Existence()
    {
        Noun noun = Pick(Nouns);
        Word place = Place();
        if (Chance(25))
            return ($"there are no {noun.Plural} {place.English}.", $"{place.Chinese}没有{noun.Chinese}。");
        Determiner determiner = Indefinite(noun);
        string be = determiner.IsPlural ? "are" : "is";
        Nominal thing = Common(noun, determiner);
        return Chance(30)
            ? ($"{be} there {thing.English} {place.English}?", $"{place.Chinese}有{thing.Chinese}吗？")
            : ($"there {be} {thing.English} {place.English}.", $"{place.Chinese}有{thing.Chinese}。");
    }

    private Nominal Subject(Verb verb, bool mayBeIndefinite)
    {
        if (verb.ByAnimals && Chance(30))
            return mayBeIndefinite && Chance(25) ? Common(NounKind.Animal, Indefinite) : Definite(NounKind.Animal);
        if (Chance(40))
            return OfPronoun(Pick(Pronouns));
        return mayBeIndefinite && Chance(20) ? Common(NounKind.Person, Indefinite)
            : Chance(8) ? WithClause(NounKind.Person)
            : Definite(NounKind.Person);
    }

    private Nominal Object(NounKind kinds, Nominal subject, bool isDefinite, bool mayHaveClause)
    {
        NounKind kind = PickNoun(kinds).Kind;
        if (kind == NounKind.Person && Chance(30))
        {
            bool bySpeaker = subject.English is "I" or "we";
            Pronoun pronoun = Pick(Pronouns.Where(p =>
                p.Chinese != subject.Chinese && !(bySpeaker && p.Subject is "I" or "we")).ToList());
            return new(pronoun.Object, pronoun.Chinese);
        }
        return mayHaveClause && Chance(8) ? WithClause(kind)
            : !isDefinite && Chance(60) ? Common(kind, Indefinite)
            : Definite(kind);
    }

    private static Nominal OfPronoun(Pronoun pronoun) => new(pronoun.Subject, pronoun.Chinese,
        pronoun.Subject switch { "I" => "am", "he" or "she" => "is", _ => "are" });

    private Nominal Asked(NounKind kinds) =>
        kinds == NounKind.Person || (kinds.HasFlag(NounKind.Person) && Chance(30)) ? new("who", "谁")
            : new("what", "什么");

    /// <summary>Returns a name, or a noun with a definite determiner.</summary>
    private Nominal Definite(NounKind kinds)
    {
        if (kinds.HasFlag(NounKind.Person) && Chance(25))
        {
            Word name = Pick(Names);
            return new(name.English, name.Chinese);
        }
        return Common(kinds, noun => _random.Next(6) switch
        {
            0 => IsMarked(noun) ? new("the", "那些", true) : new("the", "那" + noun.Measure, false),
            1 => new("these", "这些", true),
            2 => new("this", "这" + noun.Measure, false),
            3 when noun.Kind != NounKind.Person => Possessed(noun),
            _ => new("the", "那" + noun.Measure, false),
        });
    }

    /// <summary>Whether the plural can be told from the singular after "the".</summary>
    private static bool IsMarked(Noun noun) => noun.Plural != noun.Singular;

    private Determiner Possessed(Noun noun)
    {
        Pronoun pronoun = Pick(Pronouns);
        Noun person = PickNoun(NounKind.Person);
        Word name = Pick(Names), number = Pick(Numbers);
        Word owner = _random.Next(4) switch
        {
            0 => new($"{name.English}'s", name.Chinese),
            1 => new($"the {person.Singular}'s", $"那{person.Measure}{person.Chinese}"),
            _ => new(pronoun.Possessive, pronoun.Chinese),
        };
        return Chance(60) ? new(owner.English, owner.Chinese + "的", false)
            : new($"{owner.English} {number.English}", $"{owner.Chinese}的{number.Chinese}{noun.Measure}", true);
    }

    private Determiner Indefinite(Noun noun)
    {
        Word number = Pick(Numbers);
        return _random.Next(5) switch
        {
            0 => new("many", "很多", true, true),
            1 or 2 => new(number.English, number.Chinese + noun.Measure, true, true),
            _ => new("a", "一" + noun.Measure, false, true),
        };
    }

    /// <summary>Returns a noun with a relative clause, which follows the noun in English only.</summary>
    private Nominal WithClause(NounKind kind)
    {
        Noun noun = PickNoun(kind);
        bool isPlural = IsMarked(noun) && Chance(30), isSubject = kind == NounKind.Person && Chance(50);
        string head = $"the {(isPlural ? noun.Plural : noun.Singular)}", be = isPlural ? "are" : "is";
        string that = isPlural ? "那些" : "那" + noun.Measure;
        Verb verb = Pick(Verbs.Where(v => v is { IsState: false, Objects: not NounKind.None }
            && (isSubject || v.Objects.HasFlag(kind))).ToList());
        if (isSubject)
        {
            Nominal thing = Chance(50) ? Common(verb.Objects, Indefinite) : Definite(verb.Objects);
            return new($"{head} who {verb.Past} {thing.English}",
                $"{that}{verb.Chinese}了{thing.Chinese}的{noun.Chinese}", be, HasClause: true);
        }
        Nominal agent = Chance(40) ? OfPronoun(Pick(Pronouns)) : Definite(NounKind.Person);
        return new($"{head} that {agent.English} {verb.Past}",
            $"{agent.Chinese}{verb.Chinese}的{that}{noun.Chinese}", be, HasClause: true);
    }

    private Nominal Common(NounKind kinds, Func<Noun, Determiner> determiner)
    {
        Noun noun = PickNoun(kinds);
        return Common(noun, determiner(noun));
    }

    private Nominal Common(Noun noun, Determiner determiner)
    {
        List<Adjective> adjectives = [];
        foreach ((IReadOnlyList<Adjective> from, int percent) in new[] { (Adjectives, 25), (Colours, 12) })
            if (Chance(percent) && from.Where(a => a.Kinds.HasFlag(noun.Kind)).ToList() is { Count: > 0 } fitting)
                adjectives.Add(Pick(fitting));
        string english =
            Join([.. adjectives.Select(a => a.English), determiner.IsPlural ? noun.Plural : noun.Singular]);
        // An adjective of two characters takes 的.
        string chinese = string.Concat(adjectives.Select(a => a.Chinese.Length == 1 ? a.Chinese : a.Chinese + "的"));
        bool isAn = determiner.English == "a" && "aeiou".Contains(english[0], StringComparison.Ordinal);
        return new($"{(isAn ? "an" : determiner.English)} {english}", determiner.Chinese + chinese + noun.Chinese,
            determiner.IsPlural ? "are" : "is", determiner.IsIndefinite);
    }

    private Word Place()
    {
        if (Chance(30))
            return Pick(FixedPlaces);
        (Word side, Word place) = (Pick(Sides), Pick(Places));
        return new($"{side.English} the {place.English}", place.Chinese + side.Chinese);
    }

    private Word? Time(Aspect aspect)
    {
        Word number = Pick(Numbers);
        return aspect switch
        {
            Aspect.Past => Chance(30) ? new($"{number.English} days ago", number.Chinese + "天前") : Pick(PastTimes),
            Aspect.Progressive => new("now", "现在"),
            Aspect.Future or Aspect.Wish => Chance(30) ? new($"in {number.English} days", number.Chinese + "天后")
                : Pick(FutureTimes),
            _ => null,
        };
    }

    private Noun PickNoun(NounKind kinds) => Pick(Nouns.Where(n => kinds.HasFlag(n.Kind)).ToList());

    private bool Chance(int percent) => _random.Next(100) < percent;

    private T Pick<T>(IReadOnlyList<T> from) => from[(int)_random.Next(from.Count)];

    private static string Join(params ReadOnlySpan<string?> parts)
    {
        var words = new List<string>();
        foreach (string? part in parts)
            if (!string.IsNullOrEmpty(part))
                words.Add(part);
        return string.Join(' ', words);
    }

    /// <summary>A subject or an object in both languages.</summary>
    /// <param name="English">The English words.</param>
    /// <param name="Chinese">The Chinese words.</param>
    /// <param name="Be">The form of "to be" that agrees with it.</param>
    /// <param name="IsIndefinite">Whether it is new to the listener: a Chinese subject then follows 有.</param>
    /// <param name="HasClause">Whether it has a relative clause.</param>
    private sealed record Nominal(string English, string Chinese, string Be = "is", bool IsIndefinite = false,
        bool HasClause = false);

    private readonly record struct Determiner(string English, string Chinese, bool IsPlural, bool IsIndefinite = false);
}
