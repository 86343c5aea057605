namespace Atelier.Tokenizers.Patterns;

/// <summary>The scripts of characters (Unicode Standard Annex 24), as of Unicode 14.</summary>
internal static class UnicodeScripts
{
    // The names of Scripts.txt, by number.
    private static readonly string[] Names = """
        Common Latin Bopomofo Inherited Greek Unknown Coptic Cyrillic Armenian Hebrew Arabic Syriac Thaana Nko
        Samaritan Mandaic Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada Malayalam Sinhala Thai Lao
        Tibetan Myanmar Georgian Hangul Ethiopic Cherokee Canadian_Aboriginal Ogham Runic Tagalog Hanunoo Buhid
        Tagbanwa Khmer Mongolian Limbu Tai_Le New_Tai_Lue Buginese Tai_Tham Balinese Sundanese Batak Lepcha Ol_Chiki
        Braille Glagolitic Tifinagh Han Hiragana Katakana Yi Lisu Vai Bamum Syloti_Nagri Phags_Pa Saurashtra
        Kayah_Li Rejang Javanese Cham Tai_Viet Meetei_Mayek Linear_B Lycian Carian Old_Italic Gothic Old_Permic
        Ugaritic Old_Persian Deseret Shavian Osmanya Osage Elbasan Caucasian_Albanian Vithkuqi Linear_A Cypriot
        Imperial_Aramaic Palmyrene Nabataean Hatran Phoenician Lydian Meroitic_Hieroglyphs Meroitic_Cursive
        Kharoshthi Old_South_Arabian Old_North_Arabian Manichaean Avestan Inscriptional_Parthian
        Inscriptional_Pahlavi Psalter_Pahlavi Old_Turkic Old_Hungarian Hanifi_Rohingya Yezidi Old_Sogdian Sogdian
        Old_Uyghur Chorasmian Elymaic Brahmi Kaithi Sora_Sompeng Chakma Mahajani Sharada Khojki Multani Khudawadi
        Grantha Newa Tirhuta Siddham Modi Takri Ahom Dogra Warang_Citi Dives_Akuru Nandinagari Zanabazar_Square
        Soyombo Pau_Cin_Hau Bhaiksuki Marchen Masaram_Gondi Gunjala_Gondi Makasar Cuneiform Cypro_Minoan
        Egyptian_Hieroglyphs Anatolian_Hieroglyphs Mro Tangsa Bassa_Vah Pahawh_Hmong Medefaidrin Miao Tangut Nushu
        Khitan_Small_Script Duployan SignWriting Nyiakeng_Puachue_Hmong Toto Wancho Mende_Kikakui Adlam
        """.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    // The ranges of Scripts.txt, each to the beginning of the next: the distance from the beginning of the range before
    // it, and the number of its script, to the base of 36.
    private const string Ranges = """
        0,0 1t,1 q,0 6,1 q,0 1b,1 1,0 f,1 1,0 5,1 n,0 1,1 v,0 1,1 ch,0 13,1 5,0 5,2 2,0 k,3 34,4 4,0 1,4 3,5 2,4 4,0
        1,4 1,5 4,4 1,0 1,4 1,0 1,4 3,5 1,4 1,5 1,4 k,5 1,4 1r,6 e,4 g,7 3p,3 2,7 4p,5 1,8 12,5 2,8 1e,5 2,8 3,5 1,9
        1j,5 8,9 r,5 4,9 6,5 b,a 5,0 1,a 6,0 1,a e,0 1,a 3,0 1,a w,0 1,a a,3 b,a q,3 1,a 30,0 1,a y,b e,5 1,b 1o,5
        2,b 3,a 1c,c 1e,5 e,d 1n,5 2,d 3,e 1a,5 2,e f,5 1,f s,5 2,f 1,5 1,b b,5 5,a v,5 1,a 2,5 6,a 22,0 1,a t,g
        29,3 4,g f,0 2,g q,h 4,5 1,h 8,5 2,h 2,5 2,h m,5 1,h 7,5 1,h 1,5 3,h 4,5 2,h 9,5 2,h 2,5 2,h 4,5 8,h 1,5 4,h
        2,5 1,h 5,5 2,h p,5 2,i 3,5 1,i 6,5 4,i 2,5 2,i m,5 1,i 7,5 1,i 2,5 1,i 2,5 1,i 2,5 2,i 1,5 1,i 5,5 4,i 2,5
        2,i 3,5 3,i 1,5 7,i 4,5 1,i 1,5 7,i h,5 a,j 3,5 1,j 9,5 1,j 3,5 1,j m,5 1,j 7,5 1,j 2,5 1,j 5,5 2,j a,5 1,j
        3,5 1,j 3,5 2,j 1,5 f,j 4,5 2,j c,5 7,j 7,5 1,k 3,5 1,k 8,5 2,k 2,5 2,k m,5 1,k 7,5 1,k 2,5 1,k 5,5 2,k 9,5
        2,k 2,5 2,k 3,5 7,k 3,5 4,k 2,5 1,k 5,5 2,k i,5 a,l 2,5 1,l 6,5 3,l 3,5 1,l 4,5 3,l 2,5 1,l 1,5 1,l 2,5 3,l
        2,5 3,l 3,5 3,l c,5 4,l 5,5 3,l 3,5 1,l 4,5 2,l 1,5 6,l 1,5 e,l l,5 5,m d,5 1,m 3,5 1,m n,5 1,m g,5 2,m 9,5
        1,m 3,5 1,m 4,5 7,m 2,5 1,m 3,5 2,m 1,5 2,m 4,5 2,m a,5 7,m 9,n d,5 1,n 3,5 1,n n,5 1,n a,5 1,n 5,5 2,n 9,5
        1,n 3,5 1,n 4,5 7,n 2,5 6,n 2,5 1,n 4,5 2,n a,5 1,n 2,5 d,o d,5 1,o 3,5 1,o 1f,5 1,o 3,5 1,o 6,5 4,o g,5 2,o
        q,5 1,p 3,5 1,p i,5 3,p o,5 1,p 9,5 1,p 1,5 2,p 7,5 3,p 1,5 4,p 6,5 1,p 1,5 1,p 8,5 6,p a,5 2,p 3,5 c,q 1m,5
        4,0 1,q s,5 11,r 2,5 1,r 1,5 1,r 5,5 1,r o,5 1,r 1,5 1,r n,5 2,r 5,5 1,r 1,5 1,r 6,5 2,r a,5 2,r 4,5 w,s
        20,5 1,s 10,5 4,s 13,5 1,s 10,5 1,s f,5 1,s 7,0 4,s 2,5 11,t 4g,u 12,5 1,u 1,5 5,u 1,5 2,u 17,0 1,u 4,v 74,w
        21,5 1,w 4,5 2,w 7,5 1,w 1,5 1,w 4,5 2,w 15,5 1,w 4,5 2,w x,5 1,w 4,5 2,w 7,5 1,w 1,5 1,w 4,5 2,w f,5 1,w
        1l,5 1,w 4,5 2,w 1v,5 2,w w,5 3,w q,5 6,x 2e,5 2,x 6,5 2,y hs,z t,5 3,10 23,0 3,10 b,5 7,11 m,5 9,11 1,12
        l,0 2,5 9,13 k,5 c,14 d,5 1,14 3,5 1,14 2,5 c,15 2m,5 2,15 a,5 6,15 a,5 6,16 2,0 2,16 1,0 1,16 k,5 6,16 2h,5
        7,16 17,5 5,y 1y,5 a,17 v,5 1,17 c,5 4,17 c,5 4,17 1,5 3,17 c,18 u,5 2,18 5,5 b,19 18,5 4,19 q,5 6,19 b,5
        3,19 2,15 w,1a s,5 2,1a 2,1b 1r,5 1,1b t,5 2,1b b,5 6,1b a,5 6,1b e,5 2,3 v,5 1d,1c 25,5 3,1c 1b,5 1,1d
        1s,1e 1g,5 8,1e 4,1f 1k,5 3,1f f,5 3,1f 3,1g 1c,7 9,5 7,u 17,5 2,u 3,1d 8,5 8,3 3,0 1,3 d,0 1,3 7,0 4,3 1,0
        6,3 1,0 3,3 2,0 1,5 5,1 12,4 5,7 1,1 1d,4 5,1 4,4 5,1 d,7 1,1 1y,4 1,3 1s,1 74,4 m,5 2,4 6,5 2,4 12,5 2,4
        6,5 2,4 8,5 1,4 1,5 1,4 1,5 1,4 1,5 1,4 v,5 2,4 1h,5 1,4 f,5 1,4 e,5 2,4 6,5 1,4 j,5 2,4 3,5 1,4 9,5 1,0 c,3
        2,0 2f,5 1,0 b,1 1,5 2,0 b,1 1,0 f,5 1,1 d,5 3,0 x,5 f,3 x,5 f,0 12,4 1,0 3,1 2,0 6,1 1,0 r,1 1,0 h,1 15,0
        3,5 4,0 if,5 p,0 b,5 l,0 ps,1h 74,0 hg,5 2,0 w,5 1,0 2x,1i 2o,1 w,6 38,5 5,6 7,u 12,5 1,u 1,5 5,u 1,5 2,1j
        1k,5 7,1j 2,5 e,1j 1,w n,5 9,w 7,5 1,w 7,5 1,w 7,5 1,w 7,5 1,w 7,5 1,w 7,5 1,w 7,5 1,w 7,5 1,7 w,0 2m,5 y,1k
        q,5 1,1k 2h,5 c,1k 5y,5 q,0 c,5 4,0 5,1k 1,0 1,1k 1,0 p,1k 9,3 4,v 2,0 8,1k 4,0 4,5 1,1l 2e,5 2,3 2,0 2,1l
        3,0 1,1m 2i,0 2,1m 3,5 5,2 17,5 1,v 2m,5 1,0 g,2 w,0 10,5 c,1m g,v v,5 1,0 1s,v v,0 29,1m 1b,0 1,1m 2g,0
        4o,1k 534,0 1s,1k g74,1n wd,5 3,1n 1j,5 9,1o 1c,1p 8c,5 k,7 2o,1q 2g,5 8,0 y,1 2u,0 3,1 1s,5 5,1 2,5 1,1 1,5
        1,1 5,5 o,1 e,1r 19,5 3,0 a,5 6,1s 1k,5 8,1t 1y,5 8,1t c,5 6,g w,1u 1a,0 1,1u 1,1v 10,5 b,1v 1,v t,5 3,1w
        26,5 1,0 1,1w a,5 4,1w 2,t v,5 1,1x 1j,5 9,1x e,5 2,1x a,5 2,1x 4,t w,1y 1v,5 o,1y 5,1z n,5 a,w 6,5 2,w 6,5
        2,w 6,5 9,w 7,5 1,w 7,5 1,1 17,0 1,1 9,4 1,1 4,0 2,5 4,x 28,1z 1a,5 2,1z a,5 6,v 8mc,5 c,v n,5 4,v 1d,5
        6is,1k a6,5 2,1k 2y,5 12,1 7,5 c,8 5,5 5,9 q,5 1,9 5,5 1,9 1,5 1,9 2,5 1,9 2,5 1,9 a,a 37,5 g,a a3,0 2,a
        28,5 2,a 1i,5 7,a 1,5 w,a g,3 g,0 a,5 6,3 e,7 2,0 z,5 1,0 j,5 1,0 4,5 4,a 5,5 1,a 3r,5 2,0 1,5 1,0 w,1 q,0
        6,1 q,0 b,1m a,0 1,1m 19,0 2,v v,5 3,v 6,5 2,v 6,5 2,v 6,5 2,v 3,5 3,0 7,5 1,0 7,5 a,0 5,5 2,20 c,5 1,20 q,5
        1,20 j,5 1,20 2,5 1,20 f,5 2,20 e,5 y,20 3f,5 5,0 3,5 4,0 19,5 3,0 9,4 27,5 1,0 d,5 3,4 1,5 1b,0 19,3 1,5
        3m,21 t,5 3,22 1d,5 f,3 1,0 r,5 4,23 10,5 9,23 3,24 r,5 5,25 17,5 5,26 u,5 1,26 1,27 10,5 4,27 e,5 16,28
        28,29 1c,2a u,5 2,2a a,5 6,2b 10,5 4,2b 10,5 4,2c 14,5 8,2d 1g,5 b,2d 1,2e b,5 1,2e f,5 1,2e 7,5 1,2e 2,5
        1,2e b,5 1,2e f,5 1,2e 7,5 1,2e 2,5 1v,2f 8n,5 9,2f m,5 a,2f 8,5 o,1 6,5 1,1 16,5 1,1 9,5 1x,2g 6,5 2,2g 1,5
        1,2g 18,5 1,2g 2,5 3,2g 1,5 2,2g 1,2h m,5 1,2h 9,2i w,2j v,5 8,2j 9,5 1c,2k j,5 1,2k 2,5 5,2k 5,2l s,5 3,2l
        1,2m q,5 5,2m 1,5 1s,2n w,2o o,5 4,2o k,5 2,2o 1a,2p 4,5 1,2p 2,5 5,2p 8,5 1,2p 3,5 1,2p t,5 2,2p 3,5 4,2p
        a,5 7,2p 9,5 7,2q w,2r w,5 w,2s 13,5 4,2s c,5 9,2t 1i,5 3,2t 7,2u m,5 2,2u 8,2v j,5 5,2v 8,2w i,5 7,2w 4,5
        c,2w 7,5 28,2x 21,5 1j,2y 1f,5 d,2y 1f,5 7,2y 6,2z 14,5 8,2z a,5 86,a v,5 1,30 16,5 1,30 3,5 2,30 2,5 26,31
        14,5 8,32 16,5 m,33 q,5 12,34 s,5 k,35 n,5 9,36 26,5 4,36 10,5 9,36 1,37 1v,5 a,37 1,5 2,38 p,5 7,38 a,5
        6,39 1h,5 1,39 i,5 8,3a 13,5 9,3b 2o,5 1,p k,5 b,3c i,5 1,3c 18,5 1t,3d 7,5 1,3d 1,5 1,3d 4,5 1,3d f,5 1,3d
        b,5 6,3e 1n,5 5,3e a,5 6,3f 4,5 1,3f 8,5 2,3f 2,5 2,3f m,5 1,3f 7,5 1,3f 2,5 1,3f 5,5 1,3 1,3f 9,5 2,3f 2,5
        2,3f 3,5 2,3f 1,5 6,3f 1,5 5,3f 7,5 2,3f 7,5 3,3f 5,5 3v,3g 2k,5 1,3g 5,5 u,3h 20,5 8,3h a,5 4m,3i 1i,5 2,3i
        12,5 y,3j 1x,5 b,3j a,5 6,16 d,5 j,3k 1m,5 6,3k a,5 1i,3l r,5 2,3l f,5 4,3l n,5 55,3m 1o,5 2s,3n 2b,5 c,3n
        1,3o 7,5 2,3o 1,5 2,3o 8,5 1,3o 2,5 1,3o u,5 1,3o 2,5 2,3o c,5 9,3o a,5 1y,3p 8,5 2,3p 1a,5 2,3p b,5 r,3q
        20,5 8,3r 2b,5 d,y g,3s 1l,5 7b,3t 9,5 1,3t 19,5 1,3t e,5 a,3t t,5 3,3u w,5 2,3u m,5 1,3u e,5 21,3v 7,5 1,3v
        2,5 1,3v 18,5 3,3v 1,5 1,3v 2,5 1,3v 9,5 8,3v a,5 6,3w 6,5 1,3w 2,5 1,3w 11,5 1,3w 2,5 1,3w 6,5 7,3w a,5
        8m,3x p,5 53,1o 1,5 f,l 1e,5 d,l 1,3y pm,5 2u,3y 33,5 1,3y 5,5 b,3y 5g,5 218,3z 2r,5 d,40 tr,5 1,40 9,5
        347,41 g7,5 6nt,1q ft,5 7,42 v,5 1,42 a,5 4,42 2,43 27,5 1,43 a,5 6,44 u,5 2,44 6,5 a,45 1y,5 a,45 a,5 1,45
        7,5 1,45 l,5 5,45 j,5 j4,46 2j,5 2t,47 23,5 4,47 1l,5 7,47 h,5 1s,48 1,49 1,1k 2,4a 1,5 b,1k 2,5 e,48 4qg,5
        8,48 lc,4a d2,5 16,48 9,5 6w7,1m 4,5 1,1m 7,5 1,1m 2,5 1,1m 1,1l 7z,1m 3,5 19,1l 3,5 h,1m 4,5 8,49 b0,5
        1s4,4b 2z,5 5,4b d,5 3,4b 9,5 7,4b a,5 2,4b 4,0 4,5 3mk,3 1a,5 2,3 n,5 9,0 38,5 1o,0 6u,5 a,0 13,5 2,0 1q,3
        3,0 h,3 8,0 2,3 7,0 u,3 4,0 1p,5 l,4 1y,5 4a,0 k,5 c,0 2f,5 9,0 p,5 3r,0 2d,5 1,0 1z,5 1,0 2,5 2,0 1,5 2,0
        2,5 2,0 4,5 1,0 c,5 1,0 1,5 1,0 7,5 1,0 1t,5 1,0 4,5 2,0 8,5 1,0 7,5 1,0 s,5 1,0 4,5 1,0 5,5 1,0 1,5 3,0 7,5
        1,0 9g,5 2,0 84,5 2,0 1e,4c i4,5 f,4c 5,5 1,4c f,5 uo,1 v,5 69,1i 7,5 1,1i h,5 2,1i 7,5 1,1i 2,5 1,1i 5,5
        5x,4d 19,5 3,4d e,5 2,4d a,5 4,4d 2,5 8w,4e v,5 h,4f 1m,5 5,4f 1,5 yo,w 7,5 1,w 4,5 1,w 2,5 1,w f,5 1,4g
        5h,5 2,4g g,5 15,4h 24,5 4,4h a,5 4,4h 2,5 lt,0 1w,5 24,0 1p,5 5e,a 4,5 1,a r,5 1,a 2,5 1,a 1,5 2,a 1,5 1,a
        a,5 1,a 4,5 1,a 1,5 1,a 1,5 6,a 1,5 4,a 1,5 1,a 1,5 1,a 1,5 1,a 3,5 1,a 2,5 1,a 1,5 2,a 1,5 1,a 1,5 1,a 1,5
        1,a 1,5 1,a 1,5 1,a 2,5 1,a 1,5 2,a 4,5 1,a 7,5 1,a 4,5 1,a 4,5 1,a 1,5 1,a a,5 1,a h,5 5,a 3,5 1,a 5,5 1,a
        h,5 1g,a 2,5 7i,0 18,5 4,0 2s,5 c,0 f,5 2,0 f,5 1,0 f,5 1,0 11,5 a,0 4u,5 1k,0 q,1l 1,0 2,5 d,0 18,5 4,0 9,5
        7,0 2,5 e,0 6,5 4a,0 rc,5 5,0 g,5 3,0 d,5 3,0 38,5 c,0 2h,5 7,0 c,5 4,0 1,5 f,0 c,5 4,0 1k,5 8,0 a,5 6,0
        14,5 8,0 u,5 2,0 2,5 26,0 9g,5 c,0 e,5 2,0 5,5 3,0 5,5 3,0 7,5 9,0 t,5 3,0 b,5 5,0 6,5 a,0 a,5 6,0 8,5 8,0
        7,5 9,0 43,5 1,0 1j,5 11,0 a,5 sm,1k wyo,5 w,1k 37d,5 7,1k 66,5 2,1k 4g2,5 e,1k 5rl,5 2e7,1k f2,5 15u,1k
        3t7,5 fcfq,0 1,5 u,0 2o,5 3k,3 6o,5 47bk,5
        """;

    private static readonly (int[] Starts, int[] Scripts) Table = Read();
    private static readonly int Unknown = Array.IndexOf(Names, "Unknown");

    /// <summary>The number of the script of unassigned characters.</summary>
    public static int None => Unknown;

    /// <summary>Returns the number of the script of a character.</summary>
    public static int Of(int character)
    {
        int found = Array.BinarySearch(Table.Starts, character);
        return Table.Scripts[found < 0 ? ~found - 1 : found];
    }

    /// <summary>Returns the number of a script; null for an unknown name.</summary>
    /// <param name="name">The name in any case, with or without "_".</param>
    public static int? Number(string name)
    {
        string plain = name.Replace("_", "", StringComparison.Ordinal);
        int at = Array.FindIndex(Names, one => one.Replace("_", "", StringComparison.Ordinal)
            .Equals(plain, StringComparison.OrdinalIgnoreCase));
        return at < 0 ? null : at;
    }

    private static (int[] Starts, int[] Scripts) Read()
    {
        List<int> starts = [], scripts = [];
        foreach (string range in Ranges.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            int comma = range.IndexOf(',', StringComparison.Ordinal);
            starts.Add((starts.Count == 0 ? 0 : starts[^1]) + Number36(range[..comma]));
            scripts.Add(Number36(range[(comma + 1)..]));
        }
        return ([.. starts], [.. scripts]);
    }

    /// <summary>Reads a number to the base of 36.</summary>
    public static int Number36(string text) => text.Trim().Aggregate(0, (sum, digit) =>
        36 * sum + (char.IsAsciiDigit(digit) ? digit - '0' : digit - 'a' + 10));
}
