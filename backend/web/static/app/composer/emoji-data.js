// The emoji of Unicode in their groups, written by `python -m tests.web.emojis`; do not edit it. Names and groups are from
// unicode-emoji-json, words from emojilib (both MIT). A line is an emoji, its name and words to find it by; one with a `*` before
// its name comes in skin tones.

export const groups = {
  smileys_emotion: `😀 grinning face,smile,happy,joy,smiley
😃 grinning face with big eyes,happy,joy,haha,smile
😄 grinning face with smiling eyes,happy,joy,funny,haha
😁 beaming face with smiling eyes,happy,smile,joy,kawaii
😆 grinning squinting face,happy,joy,lol,satisfied
😅 grinning face with sweat,hot,happy,laugh,smile
🤣 rolling on the floor laughing,face,lol,haha,rofl
😂 face with tears of joy,cry,weep,happy,happytears
🙂 slightly smiling face,smile,fine,happy,this
🙃 upside-down face,upside down face,flipped,silly,smile
🫠 melting face,hot,heat,disappear,dissolve
😉 winking face,happy,mischievous,secret,smile
😊 smiling face with smiling eyes,smile,happy,flushed,crush
😇 smiling face with halo,angel,heaven,innocent,fairy
🥰 smiling face with hearts,love,like,affection,valentines
😍 smiling face with heart-eyes,smiling face with heart eyes,love,like,affection
🤩 star-struck,star struck,face,smile,starry
😘 face blowing a kiss,love,like,affection,valentines
😗 kissing face,love,like,3,valentines
☺️ smiling face,blush,massage,happiness,happy
😚 kissing face with closed eyes,love,like,affection,valentines
😙 kissing face with smiling eyes,affection,valentines,infatuation,kissy
🥲 smiling face with tear,sad,cry,pretend,grateful
😋 face savoring food,happy,joy,tongue,smile
😛 face with tongue,prank,childish,playful,mischievous
😜 winking face with tongue,prank,childish,playful,mischievous
🤪 zany face,goofy,crazy,excited,eye
😝 squinting face with tongue,prank,playful,mischievous,smile
🤑 money-mouth face,money mouth face,rich,dollar,eyes
🤗 smiling face with open hands,hugging face,smile,hug,hugs
🤭 face with hand over mouth,whoops,shock,surprise,blushing
🫢 face with open eyes and hand over mouth,silence,secret,shock,surprise
🫣 face with peeking eye,scared,frightening,embarrassing,shy
🤫 shushing face,quiet,shhh,closed,covering
🤔 thinking face,hmmm,consider,chin,shade
🫡 saluting face,respect,salute,ok,sunny
🤐 zipper-mouth face,zipper mouth face,sealed,secret,hush
🤨 face with raised eyebrow,distrust,scepticism,disapproval,disbelief
😐 neutral face,indifference,meh,deadpan,faced
😑 expressionless face,indifferent,meh,deadpan,inexpressive
😶 face without mouth,blank,mouthless,mute,no
🫥 dotted line face,invisible,lonely,isolation,depression
😶‍🌫️ face in clouds,shower,steam,dream,absentminded
😏 smirking face,smile,mean,prank,smug
😒 unamused face,indifference,bored,straight face,serious
🙄 face with rolling eyes,eyeroll,frustrated
😬 grimacing face,grimace,teeth,awkward,eek
😮‍💨 face exhaling,relieve,relief,tired,sigh
🤥 lying face,lie,pinocchio,liar,long
🫨 shaking face,dizzy,shock,blurry,earthquake
😌 relieved face,relaxed,phew,massage,happiness
😔 pensive face,sad,depressed,upset,dejected
😪 sleepy face,tired,rest,nap,bubble
🤤 drooling face
😴 sleeping face,tired,sleepy,night,zzz
😷 face with medical mask,sick,ill,disease,covid
🤒 face with thermometer,sick,temperature,cold,fever
🤕 face with head-bandage,face with head bandage,injured,clumsy,hurt
🤢 nauseated face,vomit,gross,green,sick
🤮 face vomiting,sick,barf,ill,mouth
🤧 sneezing face,gesundheit,sneeze,sick,allergy
🥵 hot face,feverish,heat,red,sweating
🥶 cold face,blue,freezing,frozen,frostbite
🥴 woozy face,dizzy,intoxicated,tipsy,wavy
😵 face with crossed-out eyes,dizzy face,spent,unconscious,xox
😵‍💫 face with spiral eyes,sick,ill,confused,nauseous
🤯 exploding head,face,shocked,mind,blown
🤠 cowboy hat face,cowgirl
🥳 partying face,celebration,woohoo,birthday,hat
🥸 disguised face,pretent,brows,glasses,moustache
😎 smiling face with sunglasses,cool,smile,summer,beach
🤓 nerd face,nerdy,geek,dork,glasses
🧐 face with monocle,stuffy,wealthy,rich,exploration
😕 confused face,indifference,huh,weird,hmmm
🫤 face with diagonal mouth,skeptic,confuse,frustrated,indifferent
😟 worried face,concern,nervous,sad,sadface
🙁 slightly frowning face,disappointed,sad,upset,unhappy
☹️ frowning face,sad,upset,megafrown,unhappy
😮 face with open mouth,surprise,impressed,wow,whoa
😯 hushed face,woo,shh,silence,speechless
😲 astonished face,xox,surprised,poisoned,amazed
😳 flushed face,blush,shy,flattered,blushing
🥺 pleading face,begging,mercy,cry,tears
🥹 face holding back tears,touched,gratitude,cry,angry
😦 frowning face with open mouth,aw,what,yawning
😧 anguished face,stunned,nervous,pained
😨 fearful face,scared,terrified,nervous,oops
😰 anxious face with sweat,nervous,blue,cold,mouth
😥 sad but relieved face,phew,sweat,nervous,disappointed
😢 crying face,tears,sad,depressed,upset
😭 loudly crying face,sobbing,tears,sad,upset
😱 face screaming in fear,munch,scared,omg,alone
😖 confounded face,confused,sick,unwell,oops
😣 persevering face,sick,no,upset,oops
😞 disappointed face,sad,upset,depressed,sadface
😓 downcast face with sweat,hot,sad,tired,exercise
😩 weary face,tired,sleepy,sad,frustrated
😫 tired face,sick,whine,upset,frustrated
🥱 yawning face,tired,sleepy,bored
😤 face with steam from nose,gas,phew,proud,pride
😡 enraged face,pouting face,angry,mad,hate
😠 angry face,mad,annoyed,frustrated,anger
🤬 face with symbols on mouth,swearing,cursing,cussing,profanity
😈 smiling face with horns,devil,evil,fairy,fantasy
👿 angry face with horns,devil,demon,evil,fairy
💀 skull,dead,skeleton,creepy,death
☠️ skull and crossbones,poison,danger,deadly,scary
💩 pile of poo,hankey,shitface,fail,turd
🤡 clown face,mock
👹 ogre,monster,red,mask,halloween
👺 goblin,red,evil,mask,monster
👻 ghost,halloween,spooky,scary,creature
👽 alien,ufo,paul,weird,outer space
👾 alien monster,game,arcade,play,creature
🤖 robot,computer,machine,face,monster
😺 grinning cat,animal,cats,happy,smile
😸 grinning cat with smiling eyes,animal,cats,smile,face
😹 cat with tears of joy,animal,cats,haha,happy
😻 smiling cat with heart-eyes,smiling cat with heart eyes,animal,love,like
😼 cat with wry smile,animal,cats,smirk,face
😽 kissing cat,animal,cats,closed,eye
🙀 weary cat,animal,cats,munch,scared
😿 crying cat,animal,tears,weep,sad
😾 pouting cat,animal,cats,face,grumpy
🙈 see-no-evil monkey,see no evil monkey,animal,nature,haha
🙉 hear-no-evil monkey,hear no evil monkey,animal,nature,covering
🙊 speak-no-evil monkey,speak no evil monkey,animal,nature,omg
💌 love letter,email,like,affection,envelope
💘 heart with arrow,love,like,affection,valentines
💝 heart with ribbon,love,valentines,box,chocolate
💖 sparkling heart,love,like,affection,valentines
💗 growing heart,like,love,affection,valentines
💓 beating heart,love,like,affection,valentines
💞 revolving hearts,love,like,affection,valentines
💕 two hearts,love,like,affection,valentines
💟 heart decoration,love,like
❣️ heart exclamation,decoration,love,above,an
💔 broken heart,sad,sorry,break,heartbreak
❤️‍🔥 heart on fire,passionate,enthusiastic,burn,love
❤️‍🩹 mending heart,broken heart,bandage,wounded,bandaged
❤️ red heart,love,like,valentines,black
🩷 pink heart,valentines
🧡 orange heart,love,like,affection,valentines
💛 yellow heart,love,like,affection,valentines
💚 green heart,love,like,affection,valentines
💙 blue heart,love,like,affection,valentines
🩵 light blue heart,ice,baby blue
💜 purple heart,love,like,affection,valentines
🤎 brown heart,coffee
🖤 black heart,evil,dark,wicked
🩶 grey heart,silver,monochrome
🤍 white heart,pure
💋 kiss mark,face,lips,love,like
💯 hundred points,score,perfect,numbers,century
💢 anger symbol,angry,mad,comic,pop
💥 collision,bomb,explode,explosion,blown
💫 dizzy,star,sparkle,shoot,magic
💦 sweat droplets,water,drip,oops,comic
💨 dashing away,wind,air,fast,shoo
🕳️ hole,embarrassing
💬 speech balloon,bubble,words,message,talk
👁️‍🗨️ eye in speech bubble,info,am,witness
🗨️ left speech bubble,words,message,talk,chatting
🗯️ right anger bubble,caption,speech,thinking,mad
💭 thought balloon,bubble,cloud,speech,thinking
💤 zzz,sleepy,tired,dream,bedtime`,
  people_body: `👋 *waving hand,wave,hands,gesture,goodbye
🤚 *raised back of hand,fingers,backhand,body
🖐️ *hand with fingers splayed,palm,body,five,raised
✋ *raised hand,fingers,stop,highfive,palm
🖖 *vulcan salute,hand,fingers,spock,star trek
🫱 *rightwards hand,palm,offer
🫲 *leftwards hand,palm,offer
🫳 *palm down hand,drop,dismiss,shoo
🫴 *palm up hand,lift,offer,demand,beckon
🫷 *leftwards pushing hand,highfive,pressing,stop
🫸 *rightwards pushing hand,highfive,pressing,stop
👌 *ok hand,fingers,limbs,perfect,okay
🤌 *pinched fingers,size,tiny,small,gesture
🤏 *pinching hand,tiny,small,size,amount
✌️ *victory hand,fingers,ohyeah,peace,two
🤞 *crossed fingers,good,lucky,body,hand
🫰 *hand with index finger and thumb crossed,heart,love,money,expensive
🤟 *love-you gesture,love you gesture,hand,fingers,body
🤘 *sign of the horns,hand,fingers,evil eye,sign of horns
🤙 *call me hand,hands,gesture,shaka,body
👈 *backhand index pointing left,direction,fingers,body,finger
👉 *backhand index pointing right,fingers,direction,body,finger
👆 *backhand index pointing up,fingers,direction,body,finger
🖕 *middle finger,hand,fingers,rude,flipping
👇 *backhand index pointing down,fingers,direction,body,finger
☝️ *index pointing up,hand,fingers,direction,body
🫵 *index pointing at the viewer,you,recruit
👍 *thumbs up,thumbsup,yes,awesome,good
👎 *thumbs down,thumbsdown,no,dislike,hand
✊ *raised fist,fingers,hand,grasp,body
👊 *oncoming fist,angry,violence,hit,attack
🤛 *left-facing fist,left facing fist,hand,fistbump,body
🤜 *right-facing fist,right facing fist,hand,fistbump,body
👏 *clapping hands,praise,applause,congrats,yay
🙌 *raising hands,gesture,hooray,yea,celebration
🫶 *heart hands,love,appreciation,support
👐 *open hands,fingers,butterfly,body,hug
🤲 *palms up together,hands,gesture,cupped,prayer
🤝 *handshake,agreement,deal,meeting,shaking
🙏 *folded hands,please,hope,wish,namaste
✍️ *writing hand,lower left ballpoint pen,stationery,write,compose
💅 *nail polish,nail care,beauty,manicure,finger
🤳 *selfie,camera,phone,arm,hand
💪 *flexed biceps,arm,hand,summer,strong
🦾 mechanical arm,accessibility,body,prosthetic
🦿 mechanical leg,accessibility,body,prosthetic
🦵 *leg,kick,limb,body
🦶 *foot,kick,stomp,body
👂 *ear,face,hear,sound,listen
🦻 *ear with hearing aid,accessibility,body,hard
👃 *nose,smell,sniff,body,smelling
🧠 brain,smart,intelligent,body,organ
🫀 anatomical heart,health,heartbeat,cardiology,organ
🫁 lungs,breathe,breath,exhalation,inhalation
🦷 tooth,teeth,dentist,body
🦴 bone,skeleton,body
👀 eyes,look,watch,stalk,peek
👁️ eye,face,look,see,watch
👅 tongue,mouth,playful,body,out
👄 mouth,kiss,body,kissing,lips
🫦 biting lip,flirt,sexy,pain,worry
👶 *baby,child,boy,girl,toddler
🧒 *child,young,boy,gender,girl
👦 *boy,man,male,guy,teenager
👧 *girl,female,woman,teenager,child
🧑 *person,adult,female,gender,inclusive
👱 *person blond hair,hairstyle,blonde,haired,man
👨 *man,mustache,father,dad,guy
🧔 *person beard,man beard,bewhiskered,bearded
🧔‍♂️ *man beard,facial hair,bearded,bewhiskered,male
🧔‍♀️ *woman beard,facial hair,bearded,bewhiskered,female
👨‍🦰 *man red hair,hairstyle,adult,ginger,haired
👨‍🦱 *man curly hair,hairstyle,adult,haired,male
👨‍🦳 *man white hair,old,elder,adult,haired
👨‍🦲 *man bald,hairless,adult,hair,male
👩 *woman,female,girls,lady,adult
👩‍🦰 *woman red hair,hairstyle,adult,female,ginger
🧑‍🦰 *person red hair,hairstyle,adult,gender,haired
👩‍🦱 *woman curly hair,hairstyle,adult,female,haired
🧑‍🦱 *person curly hair,hairstyle,adult,gender,haired
👩‍🦳 *woman white hair,old,elder,adult,female
🧑‍🦳 *person white hair,elder,old,adult,gender
👩‍🦲 *woman bald,hairless,adult,female,hair
🧑‍🦲 *person bald,hairless,adult,gender,hair
👱‍♀️ *woman blond hair,female,girl,blonde,person
👱‍♂️ *man blond hair,male,boy,blonde,guy
🧓 *older person,human,elder,senior,adult
👴 *old man,human,male,men,elder
👵 *old woman,human,female,women,lady
🙍 *person frowning,worried,gesture,sad,woman
🙍‍♂️ *man frowning,male,boy,sad,depressed
🙍‍♀️ *woman frowning,female,girl,sad,depressed
🙎 *person pouting,upset,blank,face,fed
🙎‍♂️ *man pouting,male,boy,gesture,men
🙎‍♀️ *woman pouting,female,girl,gesture,women
🙅 *person gesturing no,decline,arms,deal,denied
🙅‍♂️ *man gesturing no,male,boy,nope,denied
🙅‍♀️ *woman gesturing no,female,girl,nope,denied
🙆 *person gesturing ok,agree,ballerina,face,gesture
🙆‍♂️ *man gesturing ok,men,boy,male,blue
🙆‍♀️ *woman gesturing ok,women,girl,female,pink
💁 *person tipping hand,information,attendant,bellhop,concierge
💁‍♂️ *man tipping hand,male,boy,human,information
💁‍♀️ *woman tipping hand,female,girl,human,information
🙋 *person raising hand,question,answering,gesture,happy
🙋‍♂️ *man raising hand,male,boy,gesture,happy
🙋‍♀️ *woman raising hand,female,girl,gesture,happy
🧏 *deaf person,accessibility,ear,hear
🧏‍♂️ *deaf man,accessibility,male,men
🧏‍♀️ *deaf woman,accessibility,female,women
🙇 *person bowing,respectiful,apology,boy,cute
🙇‍♂️ *man bowing,male,boy,apology,deeply
🙇‍♀️ *woman bowing,female,girl,apology,deeply
🤦 *person facepalming,disappointed,disbelief,exasperation,head
🤦‍♂️ *man facepalming,male,boy,disbelief,exasperation
🤦‍♀️ *woman facepalming,female,girl,disbelief,exasperation
🤷 *person shrugging,regardless,doubt,ignorance,indifference
🤷‍♂️ *man shrugging,male,boy,confused,indifferent
🤷‍♀️ *woman shrugging,female,girl,confused,indifferent
🧑‍⚕️ *health worker,hospital,dentist,doctor,healthcare
👨‍⚕️ *man health worker,doctor,nurse,therapist,healthcare
👩‍⚕️ *woman health worker,doctor,nurse,therapist,healthcare
🧑‍🎓 *student,learn,education,graduate,pupil
👨‍🎓 *man student,graduate,human,education,graduation
👩‍🎓 *woman student,graduate,human,education,female
🧑‍🏫 *teacher,professor,education,educator,instructor
👨‍🏫 *man teacher,instructor,professor,human,education
👩‍🏫 *woman teacher,instructor,professor,human,education
🧑‍⚖️ *judge,law,court,justice,scales
👨‍⚖️ *man judge,justice,court,human,law
👩‍⚖️ *woman judge,justice,court,human,female
🧑‍🌾 *farmer,crops,farming,gardener,rancher
👨‍🌾 *man farmer,rancher,gardener,human,farming
👩‍🌾 *woman farmer,rancher,gardener,human,farming
🧑‍🍳 *cook,food,kitchen,culinary,chef
👨‍🍳 *man cook,chef,human,cooking,food
👩‍🍳 *woman cook,chef,human,cooking,female
🧑‍🔧 *mechanic,worker,technician,electrician,person
👨‍🔧 *man mechanic,plumber,human,wrench,electrician
👩‍🔧 *woman mechanic,plumber,human,wrench,electrician
🧑‍🏭 *factory worker,labor,assembly,industrial,welder
👨‍🏭 *man factory worker,assembly,industrial,human,male
👩‍🏭 *woman factory worker,assembly,industrial,human,female
🧑‍💼 *office worker,business,accountant,adviser,analyst
👨‍💼 *man office worker,business,manager,human,accountant
👩‍💼 *woman office worker,business,manager,human,accountant
🧑‍🔬 *scientist,chemistry,biologist,chemist,engineer
👨‍🔬 *man scientist,biologist,chemist,engineer,physicist
👩‍🔬 *woman scientist,biologist,chemist,engineer,physicist
🧑‍💻 *technologist,computer,coder,engineer,laptop
👨‍💻 *man technologist,coder,developer,engineer,programmer
👩‍💻 *woman technologist,coder,developer,engineer,programmer
🧑‍🎤 *singer,song,artist,performer,actor
👨‍🎤 *man singer,rockstar,entertainer,human,actor
👩‍🎤 *woman singer,rockstar,entertainer,human,actor
🧑‍🎨 *artist,painting,draw,creativity,paint
👨‍🎨 *man artist,painter,human,male,men
👩‍🎨 *woman artist,painter,human,female,paint
🧑‍✈️ *pilot,fly,plane,airplane,aviation
👨‍✈️ *man pilot,aviator,plane,human,airplane
👩‍✈️ *woman pilot,aviator,plane,human,airplane
🧑‍🚀 *astronaut,outerspace,moon,planets,rocket
👨‍🚀 *man astronaut,space,rocket,human,cosmonaut
👩‍🚀 *woman astronaut,space,rocket,human,cosmonaut
🧑‍🚒 *firefighter,firetruck
👨‍🚒 *man firefighter,fireman,human,firetruck,male
👩‍🚒 *woman firefighter,fireman,human,female,firetruck
👮 *police officer,cop,law,policeman,policewoman
👮‍♂️ *man police officer,law,legal,enforcement,arrest
👮‍♀️ *woman police officer,law,legal,enforcement,arrest
🕵️ *detective,human,spy,eye,or
🕵️‍♂️ *man detective,crime,male,men,sleuth
🕵️‍♀️ *woman detective,human,spy,female,sleuth
💂 *guard,protect,british,guardsman
💂‍♂️ *man guard,uk,gb,british,male
💂‍♀️ *woman guard,uk,gb,british,female
🥷 *ninja,ninjutsu,skills,japanese,fighter
👷 *construction worker,labor,build,builder,face
👷‍♂️ *man construction worker,male,human,wip,guy
👷‍♀️ *woman construction worker,female,human,wip,build
🫅 *person with crown,royalty,power,monarch,noble
🤴 *prince,boy,man,male,crown
👸 *princess,girl,woman,female,blond
👳 *person wearing turban,headdress,arab,man,muslim
👳‍♂️ *man wearing turban,male,indian,hinduism,arabs
👳‍♀️ *woman wearing turban,female,indian,hinduism,arabs
👲 *person with skullcap,man with skullcap,male,boy,chinese
🧕 *woman with headscarf,female,hijab,mantilla,tichel
🤵 *person in tuxedo,man in tuxedo,couple,marriage,wedding
🤵‍♂️ *man in tuxedo,formal,fashion,groom,male
🤵‍♀️ *woman in tuxedo,formal,fashion,female,wedding
👰 *person with veil,bride with veil,couple,marriage,wedding
👰‍♂️ *man with veil,wedding,marriage,bride,male
👰‍♀️ *woman with veil,wedding,marriage,bride,female
🤰 *pregnant woman,baby,female,pregnancy,women
🫃 *pregnant man,baby,belly,bloated,full
🫄 *pregnant person,baby,belly,bloated,full
🤱 *breast-feeding,breast feeding,nursing,baby,breastfeeding
👩‍🍼 *woman feeding baby,birth,food,bottle,child
👨‍🍼 *man feeding baby,birth,food,bottle,child
🧑‍🍼 *person feeding baby,birth,food,bottle,child
👼 *baby angel,heaven,wings,halo,cherub
🎅 *santa claus,festival,man,male,xmas
🤶 *mrs. claus,mrs claus,woman,female,xmas
🧑‍🎄 *mx claus,christmas,activity,celebration,santa
🦸 *superhero,marvel,fantasy,good,heroine
🦸‍♂️ *man superhero,male,good,superpowers,fantasy
🦸‍♀️ *woman superhero,female,good,heroine,superpowers
🦹 *supervillain,marvel,bad,criminal,evil
🦹‍♂️ *man supervillain,male,evil,bad,criminal
🦹‍♀️ *woman supervillain,female,evil,bad,criminal
🧙 *mage,magic,fantasy,sorcerer,sorceress
🧙‍♂️ *man mage,male,sorcerer,fantasy,men
🧙‍♀️ *woman mage,female,witch,fantasy,sorceress
🧚 *fairy,wings,magical,fantasy,oberon
🧚‍♂️ *man fairy,male,fantasy,men,oberon
🧚‍♀️ *woman fairy,female,fantasy,titania,wings
🧛 *vampire,blood,twilight,dracula,fantasy
🧛‍♂️ *man vampire,male,dracula,fantasy,men
🧛‍♀️ *woman vampire,female,fantasy,undead,unded
🧜 *merperson,sea,fantasy,merboy,mergirl
🧜‍♂️ *merman,male,triton,fantasy,men
🧜‍♀️ *mermaid,woman,female,merwoman,ariel
🧝 *elf,magical,ears,fantasy,legolas
🧝‍♂️ *man elf,male,ears,fantasy,magical
🧝‍♀️ *woman elf,female,ears,fantasy,magical
🧞 genie,magical,wishes,djinn,djinni
🧞‍♂️ man genie,male,djinn,fantasy,men
🧞‍♀️ woman genie,female,djinn,fantasy,women
🧟 zombie,dead,fantasy,undead,walking
🧟‍♂️ man zombie,male,dracula,undead,walking dead
🧟‍♀️ woman zombie,female,undead,walking dead,fantasy
🧌 troll,mystical,monster,fairy,fantasy
💆 *person getting massage,relax,face,head,massaging
💆‍♂️ *man getting massage,male,boy,head,face
💆‍♀️ *woman getting massage,female,girl,head,face
💇 *person getting haircut,hairstyle,barber,beauty,cutting
💇‍♂️ *man getting haircut,male,boy,barber,beauty
💇‍♀️ *woman getting haircut,female,girl,barber,beauty
🚶 *person walking,move,hike,pedestrian,walker
🚶‍♂️ *man walking,human,feet,steps,hike
🚶‍♀️ *woman walking,human,feet,steps,female
🧍 *person standing,still
🧍‍♂️ *man standing,still,male,men
🧍‍♀️ *woman standing,still,female,women
🧎 *person kneeling,pray,respectful
🧎‍♂️ *man kneeling,pray,respectful,male,men
🧎‍♀️ *woman kneeling,respectful,pray,female,women
🧑‍🦯 *person with white cane,person with probing cane,blind,accessibility
👨‍🦯 *man with white cane,man with probing cane,blind,accessibility,male
👩‍🦯 *woman with white cane,woman with probing cane,blind,accessibility,female
🧑‍🦼 *person in motorized wheelchair,disability,accessibility
👨‍🦼 *man in motorized wheelchair,disability,accessibility,male,men
👩‍🦼 *woman in motorized wheelchair,disability,accessibility,female,women
🧑‍🦽 *person in manual wheelchair,disability,accessibility
👨‍🦽 *man in manual wheelchair,disability,accessibility,male,men
👩‍🦽 *woman in manual wheelchair,disability,accessibility,female,women
🏃 *person running,move,exercise,jogging,marathon
🏃‍♂️ *man running,walking,exercise,race,male
🏃‍♀️ *woman running,walking,exercise,race,female
💃 *woman dancing,female,girl,fun,dance
🕺 *man dancing,male,boy,fun,dancer
🕴️ *person in suit levitating,man in suit levitating,business,levitate,hover
👯 *people with bunny ears,perform,costume,dancer,dancing
👯‍♂️ *men with bunny ears,male,boys,dancer,dancing
👯‍♀️ *women with bunny ears,female,girls,dancer,dancing
🧖 *person in steamy room,relax,spa,hamam,sauna
🧖‍♂️ *man in steamy room,male,spa,steamroom,sauna
🧖‍♀️ *woman in steamy room,female,spa,steamroom,sauna
🧗 *person climbing,sport,bouldering,climber,rock
🧗‍♂️ *man climbing,sports,hobby,male,rock
🧗‍♀️ *woman climbing,sports,hobby,female,rock
🤺 person fencing,sports,sword,fencer
🏇 *horse racing,animal,betting,competition,gambling
⛷️ skier,sports,winter,snow
🏂 *snowboarder,sports,winter,ski,snowboarding
🏌️ *person golfing,sports,business,ball,club
🏌️‍♂️ *man golfing,sport,ball,golfer,male
🏌️‍♀️ *woman golfing,sports,business,female,ball
🏄 *person surfing,sport,sea,surfer
🏄‍♂️ *man surfing,sports,ocean,sea,summer
🏄‍♀️ *woman surfing,sports,ocean,sea,summer
🚣 *person rowing boat,sport,move,paddles,rowboat
🚣‍♂️ *man rowing boat,sports,hobby,water,ship
🚣‍♀️ *woman rowing boat,sports,hobby,water,ship
🏊 *person swimming,sport,pool,swimmer
🏊‍♂️ *man swimming,sports,exercise,human,athlete
🏊‍♀️ *woman swimming,sports,exercise,human,athlete
⛹️ *person bouncing ball,sports,human,basketball,player
⛹️‍♂️ *man bouncing ball,sport,basketball,male,men
⛹️‍♀️ *woman bouncing ball,sports,human,female,basketball
🏋️ *person lifting weights,sports,training,exercise,bodybuilder
🏋️‍♂️ *man lifting weights,sport,gym,lifter,male
🏋️‍♀️ *woman lifting weights,sports,training,exercise,female
🚴 *person biking,bicycle,bike,cyclist,sport
🚴‍♂️ *man biking,bicycle,bike,cyclist,sports
🚴‍♀️ *woman biking,bicycle,bike,cyclist,sports
🚵 *person mountain biking,bicycle,bike,cyclist,sport
🚵‍♂️ *man mountain biking,bicycle,bike,cyclist,transportation
🚵‍♀️ *woman mountain biking,bicycle,bike,cyclist,transportation
🤸 *person cartwheeling,sport,gymnastic,doing,gymnast
🤸‍♂️ *man cartwheeling,gymnastics,doing,male,men
🤸‍♀️ *woman cartwheeling,gymnastics,doing,female,women
🤼 *people wrestling,sport,wrestle,wrestler,wrestlers
🤼‍♂️ *men wrestling,sports,wrestlers,male,man
🤼‍♀️ *women wrestling,sports,wrestlers,female,woman
🤽 *person playing water polo,sport
🤽‍♂️ *man playing water polo,sports,pool,male,men
🤽‍♀️ *woman playing water polo,sports,pool,female,women
🤾 *person playing handball,sport
🤾‍♂️ *man playing handball,sports,male,men
🤾‍♀️ *woman playing handball,sports,female,women
🤹 *person juggling,performance,balance,juggle,juggler
🤹‍♂️ *man juggling,juggle,balance,skill,multitask
🤹‍♀️ *woman juggling,juggle,balance,skill,multitask
🧘 *person in lotus position,meditate,meditation,serenity,yoga
🧘‍♂️ *man in lotus position,male,meditation,yoga,serenity
🧘‍♀️ *woman in lotus position,female,meditation,yoga,serenity
🛀 *person taking bath,clean,shower,bathroom,bathing
🛌 *person in bed,rest,accommodation,hotel,sleep
🧑‍🤝‍🧑 *people holding hands,friendship,couple,date,gender
👭 *women holding hands,pair,friendship,couple,love
👫 *woman and man holding hands,pair,people,human,love
👬 *men holding hands,pair,couple,love,like
💏 *kiss,pair,valentines,love,like
👩‍❤️‍💋‍👨 *kiss woman, man,kiss woman man,love,couple,couplekiss
👨‍❤️‍💋‍👨 *kiss man, man,kiss man man,pair,valentines,love
👩‍❤️‍💋‍👩 *kiss woman, woman,kiss woman woman,pair,valentines,love
💑 *couple with heart,pair,love,like,affection
👩‍❤️‍👨 *couple with heart woman, man,couple with heart woman man,love,female,male
👨‍❤️‍👨 *couple with heart man, man,couple with heart man man,pair,love,like
👩‍❤️‍👩 *couple with heart woman, woman,couple with heart woman woman,pair,love,like
👨‍👩‍👦 family man, woman, boy,family man woman boy,love,father,mother
👨‍👩‍👧 family man, woman, girl,family man woman girl,home,parents,people
👨‍👩‍👧‍👦 family man, woman, girl, boy,family man woman girl boy,home,parents,people
👨‍👩‍👦‍👦 family man, woman, boy, boy,family man woman boy boy,home,parents,people
👨‍👩‍👧‍👧 family man, woman, girl, girl,family man woman girl girl,home,parents,people
👨‍👨‍👦 family man, man, boy,family man man boy,home,parents,people
👨‍👨‍👧 family man, man, girl,family man man girl,home,parents,people
👨‍👨‍👧‍👦 family man, man, girl, boy,family man man girl boy,home,parents,people
👨‍👨‍👦‍👦 family man, man, boy, boy,family man man boy boy,home,parents,people
👨‍👨‍👧‍👧 family man, man, girl, girl,family man man girl girl,home,parents,people
👩‍👩‍👦 family woman, woman, boy,family woman woman boy,home,parents,people
👩‍👩‍👧 family woman, woman, girl,family woman woman girl,home,parents,people
👩‍👩‍👧‍👦 family woman, woman, girl, boy,family woman woman girl boy,home,parents,people
👩‍👩‍👦‍👦 family woman, woman, boy, boy,family woman woman boy boy,home,parents,people
👩‍👩‍👧‍👧 family woman, woman, girl, girl,family woman woman girl girl,home,parents,people
👨‍👦 family man, boy,family man boy,home,parent,people
👨‍👦‍👦 family man, boy, boy,family man boy boy,home,parent,people
👨‍👧 family man, girl,family man girl,home,parent,people
👨‍👧‍👦 family man, girl, boy,family man girl boy,home,parent,people
👨‍👧‍👧 family man, girl, girl,family man girl girl,home,parent,people
👩‍👦 family woman, boy,family woman boy,home,parent,people
👩‍👦‍👦 family woman, boy, boy,family woman boy boy,home,parent,people
👩‍👧 family woman, girl,family woman girl,home,parent,people
👩‍👧‍👦 family woman, girl, boy,family woman girl boy,home,parent,people
👩‍👧‍👧 family woman, girl, girl,family woman girl girl,home,parent,people
🗣️ speaking head,user,person,human,sing
👤 bust in silhouette,user,person,human,shadow
👥 busts in silhouette,user,person,human,group
🫂 people hugging,care,goodbye,hello,thanks
👪 family,home,parents,child,mom
👣 footprints,feet,tracking,walking,beach`,
  animals_nature: `🐵 monkey face,animal,nature,circus,head
🐒 monkey,animal,nature,banana,circus
🦍 gorilla,animal,nature,circus
🦧 orangutan,animal,ape
🐶 dog face,animal,friend,nature,woof
🐕 dog,animal,nature,friend,doge
🦮 guide dog,animal,blind,accessibility,eye
🐕‍🦺 service dog,blind,animal,accessibility,assistance
🐩 poodle,dog,animal,101,nature
🐺 wolf,animal,nature,wild,face
🦊 fox,animal,nature,face
🦝 raccoon,animal,nature,curious,face
🐱 cat face,animal,meow,nature,pet
🐈 cat,animal,meow,pet,cats
🐈‍⬛ black cat,superstition,luck,halloween,pet
🦁 lion,animal,nature,face,leo
🐯 tiger face,animal,cat,danger,wild
🐅 tiger,animal,nature,roar,bengal
🐆 leopard,animal,nature,african,jaguar
🐴 horse face,animal,brown,nature,head
🫎 moose,canada,sweden,sven,cool
🫏 donkey,eeyore,mule
🐎 horse,animal,gamble,luck,equestrian
🦄 unicorn,animal,nature,mystical,face
🦓 zebra,animal,nature,stripes,safari
🦌 deer,animal,nature,horns,venison
🦬 bison,ox,buffalo,herd,wisent
🐮 cow face,beef,ox,animal,nature
🐂 ox,animal,cow,beef,bull
🐃 water buffalo,animal,nature,ox,cow
🐄 cow,beef,ox,animal,nature
🐷 pig face,animal,oink,nature,head
🐖 pig,animal,nature,hog,pig2
🐗 boar,animal,nature,pig,warthog
🐽 pig nose,animal,oink,face,snout
🐏 ram,animal,sheep,nature,aries
🐑 ewe,animal,nature,wool,shipit
🐐 goat,animal,nature,capricorn,zodiac
🐪 camel,animal,hot,desert,hump
🐫 two-hump camel,two hump camel,animal,nature,hot
🦙 llama,animal,nature,alpaca,guanaco
🦒 giraffe,animal,nature,spots,safari
🐘 elephant,animal,nature,nose,th
🦣 mammoth,elephant,tusks,extinct,extinction
🦏 rhinoceros,animal,nature,horn
🦛 hippopotamus,animal,nature
🐭 mouse face,animal,nature,cheese wedge,rodent
🐁 mouse,animal,nature,rodent,dormouse
🐀 rat,animal,mouse,rodent
🐹 hamster,animal,nature,face,pet
🐰 rabbit face,animal,nature,pet,spring
🐇 rabbit,animal,nature,pet,magic
🐿️ chipmunk,animal,nature,rodent,squirrel
🦫 beaver,animal,rodent,dam
🦔 hedgehog,animal,nature,spiny,face
🦇 bat,animal,nature,blind,vampire
🐻 bear,animal,nature,wild,face
🐻‍❄️ polar bear,animal,arctic,face,white
🐨 koala,animal,nature,bear,face
🐼 panda,animal,nature,face
🦥 sloth,animal,lazy,slow
🦦 otter,animal,fishing,playful
🦨 skunk,animal,smelly,stink
🦘 kangaroo,animal,nature,australia,joey
🦡 badger,animal,nature,honey,pester
🐾 paw prints,animal,tracking,footprints,dog
🦃 turkey,animal,bird,thanksgiving,wild
🐔 chicken,animal,cluck,nature,bird
🐓 rooster,animal,nature,chicken,bird
🐣 hatching chick,animal,chicken,egg,born
🐤 baby chick,animal,chicken,bird,yellow
🐥 front-facing baby chick,front facing baby chick,animal,chicken,bird
🐦 bird,animal,nature,fly,tweet
🐧 penguin,animal,nature,bird
🕊️ dove,animal,bird,fly,peace
🦅 eagle,animal,nature,bird,bald
🦆 duck,animal,nature,bird,mallard
🦢 swan,animal,nature,bird,cygnet
🦉 owl,animal,nature,bird,hoot
🦤 dodo,animal,bird,extinct,extinction
🪶 feather,bird,fly,flight,light
🦩 flamingo,animal,flamboyant,tropical
🦚 peacock,animal,nature,peahen,bird
🦜 parrot,animal,nature,bird,pirate
🪽 wing,angel,birds,flying,fly
🐦‍⬛ black bird,crow
🪿 goose,silly,jemima,goosebumps,honk
🐸 frog,animal,nature,croak,toad
🐊 crocodile,animal,nature,reptile,lizard
🐢 turtle,animal,slow,nature,tortoise
🦎 lizard,animal,nature,reptile,gecko
🐍 snake,animal,evil,nature,hiss
🐲 dragon face,animal,myth,nature,chinese
🐉 dragon,animal,myth,nature,chinese
🦕 sauropod,animal,nature,dinosaur,brachiosaurus
🦖 t-rex,t rex,animal,nature,dinosaur
🐳 spouting whale,animal,nature,sea,ocean
🐋 whale,animal,nature,sea,ocean
🐬 dolphin,animal,nature,fish,sea
🦭 seal,animal,creature,lion
🐟 fish,animal,food,nature,freshwater
🐠 tropical fish,animal,swim,ocean,beach
🐡 blowfish,animal,nature,food,sea
🦈 shark,animal,nature,fish,sea
🐙 octopus,animal,creature,ocean,sea
🐚 spiral shell,nature,sea,beach,seashell
🪸 coral,ocean,sea,reef
🪼 jellyfish,sting,tentacles
🦀 crab,animal,crustacean,cancer,zodiac
🦞 lobster,animal,nature,bisque,claws
🦐 shrimp,animal,ocean,nature,seafood
🦑 squid,animal,nature,ocean,sea
🦪 oyster,food,diving,pearl
🐌 snail,slow,animal,shell,garden
🦋 butterfly,animal,insect,nature,caterpillar
🐛 bug,animal,insect,nature,worm
🐜 ant,animal,insect,nature,bug
🐝 honeybee,animal,insect,nature,bug
🪲 beetle,insect,bug
🐞 lady beetle,animal,insect,nature,ladybug
🦗 cricket,animal,chirp,grasshopper,insect
🪳 cockroach,insect,pests,pest
🕷️ spider,animal,arachnid,insect
🕸️ spider web,animal,insect,arachnid,silk
🦂 scorpion,animal,arachnid,scorpius,zodiac
🦟 mosquito,animal,nature,insect,malaria
🪰 fly,insect,disease,maggot,pest
🪱 worm,animal,annelid,earthworm,parasite
🦠 microbe,amoeba,bacteria,germs,virus
💐 bouquet,flowers,nature,spring,flower
🌸 cherry blossom,nature,plant,spring,flower
💮 white flower,japanese,spring,blossom,cherry
🪷 lotus,flower,calm,meditation,buddhism
🏵️ rosette,flower,decoration,military,plant
🌹 rose,flowers,valentines,love,spring
🥀 wilted flower,plant,nature,rose,dead
🌺 hibiscus,plant,vegetable,flowers,beach
🌻 sunflower,nature,plant,fall,yellow
🌼 blossom,nature,flowers,yellow,daisy
🌷 tulip,flowers,plant,nature,summer
🪻 hyacinth,flower,lavender
🌱 seedling,plant,nature,grass,lawn
🪴 potted plant,greenery,house,boring,grow
🌲 evergreen tree,plant,nature,fir,pine
🌳 deciduous tree,plant,nature,rounded,shedding
🌴 palm tree,plant,vegetable,nature,summer
🌵 cactus,vegetable,plant,nature,desert
🌾 sheaf of rice,nature,plant,crop,ear
🌿 herb,vegetable,plant,medicine,weed
☘️ shamrock,vegetable,plant,nature,irish
🍀 four leaf clover,vegetable,plant,nature,lucky
🍁 maple leaf,nature,plant,vegetable,ca
🍂 fallen leaf,nature,plant,vegetable,leaves
🍃 leaf fluttering in wind,nature,plant,tree,vegetable
🪹 empty nest,bird,nesting
🪺 nest with eggs,bird,nesting
🍄 mushroom,plant,vegetable,fungus,toadstool`,
  food_drink: `🍇 grapes,fruit,food,wine,plant
🍈 melon,fruit,nature,food,cantaloupe
🍉 watermelon,fruit,food,picnic,summer
🍊 tangerine,food,fruit,nature,orange
🍋 lemon,fruit,nature,citrus,lemonade
🍌 banana,fruit,food,monkey,plant
🍍 pineapple,fruit,nature,food,plant
🥭 mango,fruit,food,tropical
🍎 red apple,fruit,mac,school,delicious
🍏 green apple,fruit,nature,delicious,golden
🍐 pear,fruit,nature,food,plant
🍑 peach,fruit,nature,food,bottom
🍒 cherries,food,fruit,berries,cherry
🍓 strawberry,fruit,food,nature,plant
🫐 blueberries,fruit,berry,bilberry,blueberry
🥝 kiwi fruit,food,chinese,gooseberry,kiwifruit
🍅 tomato,fruit,vegetable,nature,food
🫒 olive,fruit,food,olives
🥥 coconut,fruit,nature,food,palm
🥑 avocado,fruit,food
🍆 eggplant,vegetable,nature,food,aubergine
🥔 potato,food,tuber,vegatable,starch
🥕 carrot,vegetable,food,orange
🌽 ear of corn,food,vegetable,plant,cob
🌶️ hot pepper,food,spicy,chilli,chili
🫑 bell pepper,fruit,plant,capsicum,vegetable
🥒 cucumber,fruit,food,pickle,gherkin
🥬 leafy green,food,vegetable,plant,bok choy
🥦 broccoli,fruit,food,vegetable,cabbage
🧄 garlic,food,spice,cook,flavoring
🧅 onion,cook,food,spice,flavoring
🥜 peanuts,food,vegetable
🫘 beans,food,kidney,legume
🌰 chestnut,food,squirrel,acorn,plant
🫚 ginger root,spice,yellow,cooking,gingerbread
🫛 pea pod,cozy,green
🍞 bread,food,wheat,breakfast,toast
🥐 croissant,food,bread,french,breakfast
🥖 baguette bread,food,french,france,bakery
🫓 flatbread,flour,food,bakery,arepa
🥨 pretzel,food,bread,twisted,germany
🥯 bagel,food,bread,bakery,schmear
🥞 pancakes,food,breakfast,flapjacks,hotcakes
🧇 waffle,food,breakfast,brunch,indecisive
🧀 cheese wedge,food,chadder,swiss
🍖 meat on bone,good,food,drumstick,barbecue
🍗 poultry leg,food,meat,drumstick,bird
🥩 cut of meat,food,cow,chop,lambchop
🥓 bacon,food,breakfast,pork,pig
🍔 hamburger,meat,fast food,beef,cheeseburger
🍟 french fries,chips,snack,fast food,potato
🍕 pizza,food,party,italy,cheese
🌭 hot dog,food,frankfurter,america,hotdog
🥪 sandwich,food,lunch,bread,toast
🌮 taco,food,mexican
🌯 burrito,food,mexican,wrap
🫔 tamale,food,masa,mexican,wrapped
🥙 stuffed flatbread,food,gyro,mediterranean,doner
🧆 falafel,food,mediterranean,chickpea,falfel
🥚 egg,food,chicken,breakfast,easter egg
🍳 cooking,food,breakfast,kitchen,egg
🥘 shallow pan of food,cooking,casserole,paella,skillet
🍲 pot of food,meat,soup,hot pot,bowl
🫕 fondue,cheese,pot,food,chocolate
🥣 bowl with spoon,food,breakfast,cereal,oatmeal
🥗 green salad,food,healthy,lettuce,vegetable
🍿 popcorn,food,movie theater,films,snack
🧈 butter,food,cook,dairy
🧂 salt,condiment,shaker
🥫 canned food,soup,tomatoes,preserve,tin
🍱 bento box,food,japanese,lunch,assets
🍘 rice cracker,food,japanese,snack,senbei
🍙 rice ball,food,japanese,onigiri,omusubi
🍚 cooked rice,food,asian,boiled,bowl
🍛 curry rice,food,spicy,hot,indian
🍜 steaming bowl,food,japanese,noodle,chopsticks
🍝 spaghetti,food,italian,pasta,noodle
🍠 roasted sweet potato,food,nature,plant,goguma
🍢 oden,skewer,food,japanese,kebab
🍣 sushi,food,fish,japanese,rice
🍤 fried shrimp,food,animal,appetizer,summer
🍥 fish cake with swirl,food,japan,sea,beach
🥮 moon cake,food,autumn,dessert,festival
🍡 dango,food,dessert,sweet,japanese
🥟 dumpling,food,empanada,pierogi,potsticker
🥠 fortune cookie,food,prophecy,dessert
🥡 takeout box,food,leftovers,chinese,container
🍦 soft ice cream,food,hot,dessert,summer
🍧 shaved ice,hot,dessert,summer,cone
🍨 ice cream,food,hot,dessert,bowl
🍩 doughnut,food,dessert,snack,sweet
🍪 cookie,food,snack,oreo,chocolate
🎂 birthday cake,food,dessert,candles,celebration
🍰 shortcake,food,dessert,pastry,piece
🧁 cupcake,food,dessert,bakery,sweet
🥧 pie,food,dessert,pastry,filling
🍫 chocolate bar,food,snack,dessert,sweet
🍬 candy,snack,dessert,sweet,lolly
🍭 lollipop,food,snack,candy,sweet
🍮 custard,dessert,food,pudding,flan
🍯 honey pot,bees,sweet,kitchen,honeypot
🍼 baby bottle,food,container,milk,drink
🥛 glass of milk,beverage,drink,cow
☕ hot beverage,caffeine,latte,espresso,coffee
🫖 teapot,drink,hot,kettle
🍵 teacup without handle,drink,bowl,breakfast,green
🍶 sake,wine,drink,drunk,beverage
🍾 bottle with popping cork,drink,wine,celebration,bar
🍷 wine glass,drink,beverage,drunk,alcohol
🍸 cocktail glass,drink,drunk,alcohol,beverage
🍹 tropical drink,beverage,cocktail,summer,beach
🍺 beer mug,relax,beverage,drink,drunk
🍻 clinking beer mugs,relax,beverage,drink,drunk
🥂 clinking glasses,beverage,drink,party,alcohol
🥃 tumbler glass,drink,beverage,drunk,alcohol
🫗 pouring liquid,cup,water,drink,empty
🥤 cup with straw,drink,soda,go,juice
🧋 bubble tea,taiwan,boba,milk tea,straw
🧃 beverage box,drink,juice,straw,sweet
🧉 mate,drink,tea,beverage,bombilla
🧊 ice,water,cold,cube,iceberg
🥢 chopsticks,food,hashi,jeotgarak,kuaizi
🍽️ fork and knife with plate,food,eat,meal,lunch
🍴 fork and knife,cutlery,kitchen,cooking,silverware
🥄 spoon,cutlery,kitchen,tableware
🔪 kitchen knife,blade,cutlery,weapon,butchers
🫙 jar,container,sauce,condiment,empty
🏺 amphora,vase,jar,aquarius,cooking`,
  travel_places: `🌍 globe showing europe-africa,globe showing europe africa,world,earth,international
🌎 globe showing americas,world,usa,earth,international
🌏 globe showing asia-australia,globe showing asia australia,world,east,earth
🌐 globe with meridians,earth,international,world,internet
🗺️ world map,location,direction,travel
🗾 map of japan,nation,country,japanese,asia
🧭 compass,magnetic,navigation,orienteering
🏔️ snow-capped mountain,snow capped mountain,photo,nature,environment
⛰️ mountain,photo,nature,environment
🌋 volcano,photo,nature,disaster,eruption
🗻 mount fuji,photo,mountain,nature,japanese
🏕️ camping,photo,outdoors,tent,campsite
🏖️ beach with umbrella,weather,summer,sunny,sand
🏜️ desert,photo,warm,saharah
🏝️ desert island,photo,tropical,mojito
🏞️ national park,photo,environment,nature
🏟️ stadium,photo,place,sports,concert
🏛️ classical building,art,culture,history
🏗️ building construction,wip,working,progress,crane
🧱 brick,bricks,clay,construction,mortar
🪨 rock,stone,boulder,construction,heavy
🪵 wood,nature,timber,trunk,construction
🛖 hut,house,structure,roundhouse,yurt
🏘️ houses,buildings,photo,building,group
🏚️ derelict house,abandon,evict,broken,building
🏠 house,building,home
🏡 house with garden,home,plant,nature,building
🏢 office building,bureau,work,city,high
🏣 japanese post office,building,envelope,communication,mark
🏤 post office,building,email,european
🏥 hospital,building,health,surgery,doctor
🏦 bank,building,money,sales,cash
🏨 hotel,building,accomodation,checkin,accommodation
🏩 love hotel,like,affection,dating,building
🏪 convenience store,building,shopping,groceries,corner
🏫 school,building,student,education,learn
🏬 department store,building,shopping,mall,center
🏭 factory,building,industry,pollution,smoke
🏯 japanese castle,photo,building,fortress
🏰 castle,building,royalty,history,european
💒 wedding,love,like,affection,couple
🗼 tokyo tower,photo,japanese,eiffel,red
🗽 statue of liberty,american,newyork,new,york
⛪ church,building,religion,christ,christian
🕌 mosque,islam,worship,minaret,domed
🛕 hindu temple,religion
🕍 synagogue,judaism,worship,temple,jewish
⛩️ shinto shrine,temple,japan,kyoto,kami
🕋 kaaba,mecca,mosque,islam,muslim
⛲ fountain,photo,summer,water,fresh
⛺ tent,photo,camping,outdoors
🌁 foggy,photo,mountain,bridge,city
🌃 night with stars,evening,city,downtown,starry
🏙️ cityscape,photo,night life,urban,building
🌄 sunrise over mountains,view,vacation,photo,morning
🌅 sunrise,morning,view,vacation,photo
🌆 cityscape at dusk,photo,evening,sky,buildings
🌇 sunset,photo,good morning,dawn,building
🌉 bridge at night,photo,sanfrancisco,gate,golden
♨️ hot springs,bath,warm,relax,hotsprings
🎠 carousel horse,photo,carnival,activity,entertainment
🛝 playground slide,fun,park,amusement
🎡 ferris wheel,photo,carnival,londoneye,activity
🎢 roller coaster,carnival,playground,photo,fun
💈 barber pole,hair,salon,style,haircut
🎪 circus tent,festival,carnival,party,activity
🚂 locomotive,transportation,vehicle,train,engine
🚃 railway car,transportation,vehicle,carriage,electric
🚄 high-speed train,high speed train,transportation,vehicle,bullettrain
🚅 bullet train,transportation,vehicle,speed,fast
🚆 train,transportation,vehicle,diesel,electric
🚇 metro,transportation,mrt,underground,tube
🚈 light rail,transportation,vehicle,railway
🚉 station,transportation,vehicle,public,platform
🚊 tram,transportation,vehicle,trolleybus
🚝 monorail,transportation,vehicle
🚞 mountain railway,transportation,vehicle,car,funicular
🚋 tram car,transportation,vehicle,carriage,public
🚌 bus,car,vehicle,transportation,school
🚍 oncoming bus,vehicle,transportation,front
🚎 trolleybus,bart,transportation,vehicle,tram
🚐 minibus,vehicle,car,transportation,minivan
🚑 ambulance,health,911,hospital,vehicle
🚒 fire engine,transportation,cars,vehicle,department
🚓 police car,vehicle,cars,transportation,law
🚔 oncoming police car,vehicle,law,legal,enforcement
🚕 taxi,uber,vehicle,cars,transportation
🚖 oncoming taxi,vehicle,cars,uber,front
🚗 automobile,red,transportation,vehicle,car
🚘 oncoming automobile,car,vehicle,transportation,front
🚙 sport utility vehicle,transportation,blue,campervan,car
🛻 pickup truck,car,transportation,vehicle
🚚 delivery truck,cars,transportation,vehicle,resources
🚛 articulated lorry,vehicle,cars,transportation,express
🚜 tractor,vehicle,car,farming,agriculture
🏎️ racing car,sports,race,fast,formula
🏍️ motorcycle,race,sports,fast,motorbike
🛵 motor scooter,vehicle,vespa,sasha,bike
🦽 manual wheelchair,accessibility
🦼 motorized wheelchair,accessibility
🛺 auto rickshaw,move,transportation,tuk
🚲 bicycle,bike,sports,exercise,hipster
🛴 kick scooter,vehicle,razor
🛹 skateboard
🛼 roller skate,footwear,sports,derby,inline
🚏 bus stop,transportation,wait,busstop
🛣️ motorway,road,cupertino,interstate,highway
🛤️ railway track,train,transportation
🛢️ oil drum,barrell
⛽ fuel pump,gas station,petroleum,diesel,fuelpump
🛞 wheel,car,transport,circle,tire
🚨 police car light,ambulance,911,emergency,alert
🚥 horizontal traffic light,transportation,signal
🚦 vertical traffic light,transportation,driving,semaphore,signal
🛑 stop sign,octagonal
🚧 construction,wip,progress,caution,warning
⚓ anchor,ship,ferry,sea,boat
🛟 ring buoy,life saver,life preserver,float,rescue
⛵ sailboat,ship,summer,transportation,water
🛶 canoe,boat,paddle,water,ship
🚤 speedboat,ship,transportation,vehicle,summer
🛳️ passenger ship,yacht,cruise,ferry,vehicle
⛴️ ferry,boat,ship,yacht,passenger
🛥️ motor boat,ship,motorboat,vehicle
🚢 ship,transportation,titanic,deploy,boat
✈️ airplane,vehicle,transportation,flight,fly
🛩️ small airplane,flight,transportation,fly,vehicle
🛫 airplane departure,airport,flight,landing,aeroplane
🛬 airplane arrival,airport,flight,boarding,aeroplane
🪂 parachute,fly,glide,hang,parasail
💺 seat,sit,airplane,transport,bus
🚁 helicopter,transportation,vehicle,fly
🚟 suspension railway,vehicle,transportation
🚠 mountain cableway,transportation,vehicle,ski,gondola
🚡 aerial tramway,transportation,vehicle,ski,cable
🛰️ satellite,communication,gps,orbit,spaceflight
🚀 rocket,launch,ship,staffmode,nasa
🛸 flying saucer,transportation,vehicle,ufo,alien
🛎️ bellhop bell,service,hotel
🧳 luggage,packing,travel,suitcase
⌛ hourglass done,time,clock,oldschool,limit
⏳ hourglass not done,oldschool,time,countdown,flowing
⌚ watch,time,accessories,apple,clock
⏰ alarm clock,time,wake,morning
⏱️ stopwatch,time,deadline,clock
⏲️ timer clock,alarm
🕰️ mantelpiece clock,time
🕛 twelve o’clock,twelve o clock,12,0000,1200
🕧 twelve-thirty,twelve thirty,0030,1230,time
🕐 one o’clock,one o clock,1,100,1300
🕜 one-thirty,one thirty,130,1330,time
🕑 two o’clock,two o clock,2,200,1400
🕝 two-thirty,two thirty,230,1430,time
🕒 three o’clock,three o clock,3,300,1500
🕞 three-thirty,three thirty,330,1530,time
🕓 four o’clock,four o clock,4,400,1600
🕟 four-thirty,four thirty,430,1630,time
🕔 five o’clock,five o clock,5,500,1700
🕠 five-thirty,five thirty,530,1730,time
🕕 six o’clock,six o clock,6,600,1800
🕡 six-thirty,six thirty,630,1830,time
🕖 seven o’clock,seven o clock,7,700,1900
🕢 seven-thirty,seven thirty,730,1930,time
🕗 eight o’clock,eight o clock,8,800,2000
🕣 eight-thirty,eight thirty,830,2030,time
🕘 nine o’clock,nine o clock,9,900,2100
🕤 nine-thirty,nine thirty,930,2130,time
🕙 ten o’clock,ten o clock,10,1000,2200
🕥 ten-thirty,ten thirty,1030,2230,time
🕚 eleven o’clock,eleven o clock,11,1100,2300
🕦 eleven-thirty,eleven thirty,1130,2330,time
🌑 new moon,nature,twilight,planet,space
🌒 waxing crescent moon,nature,twilight,planet,space
🌓 first quarter moon,nature,twilight,planet,space
🌔 waxing gibbous moon,nature,night,sky,gray
🌕 full moon,nature,yellow,twilight,planet
🌖 waning gibbous moon,nature,twilight,planet,space
🌗 last quarter moon,nature,twilight,planet,space
🌘 waning crescent moon,nature,twilight,planet,space
🌙 crescent moon,night,sleep,sky,evening
🌚 new moon face,nature,twilight,planet,space
🌛 first quarter moon face,nature,twilight,planet,space
🌜 last quarter moon face,nature,twilight,planet,space
🌡️ thermometer,weather,temperature,hot,cold
☀️ sun,weather,nature,brightness,summer
🌝 full moon face,nature,twilight,planet,space
🌞 sun with face,nature,morning,sky,bright
🪐 ringed planet,outerspace,planets,saturn,saturnine
⭐ star,night,yellow,gold,medium
🌟 glowing star,night,sparkle,awesome,good
🌠 shooting star,night,photo,activity,falling
🌌 milky way,photo,space,stars,galaxy
☁️ cloud,weather,sky,cloudy,overcast
⛅ sun behind cloud,weather,nature,cloudy,morning
⛈️ cloud with lightning and rain,weather,thunder
🌤️ sun behind small cloud,weather,white
🌥️ sun behind large cloud,weather,white
🌦️ sun behind rain cloud,weather,white
🌧️ cloud with rain,weather
🌨️ cloud with snow,weather,cold
🌩️ cloud with lightning,weather,thunder
🌪️ tornado,weather,cyclone,twister,cloud
🌫️ fog,weather,cloud
🌬️ wind face,gust,air,blow,blowing
🌀 cyclone,weather,swirl,blue,cloud
🌈 rainbow,nature,happy,unicorn face,photo
🌂 closed umbrella,weather,rain,drizzle,clothing
☂️ umbrella,weather,spring,clothing,open
☔ umbrella with rain drops,rainy,weather,spring,clothing
⛱️ umbrella on ground,weather,summer,beach,parasol
⚡ high voltage,thunder,weather,lightning bolt,fast
❄️ snowflake,winter,season,cold,weather
☃️ snowman,winter,season,cold,weather
⛄ snowman without snow,winter,season,cold,weather
☄️ comet,space
🔥 fire,hot,cook,flame,burn
💧 droplet,water,drip,faucet,spring
🌊 water wave,sea,nature,tsunami,disaster`,
  activities: `🎃 jack-o-lantern,jack o lantern,halloween,light,pumpkin
🎄 christmas tree,festival,vacation,december,xmas
🎆 fireworks,photo,festival,carnival,congratulations
🎇 sparkler,stars,night,shine,activity
🧨 firecracker,dynamite,boom,explode,explosion
✨ sparkles,stars,shine,shiny,cool
🎈 balloon,party,celebration,birthday,circus
🎉 party popper,congratulations,birthday,magic,circus
🎊 confetti ball,festival,party,birthday,circus
🎋 tanabata tree,plant,nature,branch,summer
🎍 pine decoration,japanese,plant,nature,vegetable
🎎 japanese dolls,toy,kimono,activity,celebration
🎏 carp streamer,fish,japanese,koinobori,banner
🎐 wind chime,nature,ding,spring,bell
🎑 moon viewing ceremony,photo,japan,asia,tsukimi
🧧 red envelope,gift,ang,good,lai
🎀 ribbon,decoration,pink,girl,bowtie
🎁 wrapped gift,present,birthday,christmas,xmas
🎗️ reminder ribbon,sports,cause,support,awareness
🎟️ admission tickets,sports,concert,entrance,entertainment
🎫 ticket,event,concert,pass,activity
🎖️ military medal,award,winning,army,celebration
🏆 trophy,win,award,contest,place
🏅 sports medal,award,winning,gold,winner
🥇 1st place medal,award,winning,first,gold
🥈 2nd place medal,award,second,silver
🥉 3rd place medal,award,third,bronze
⚽ soccer ball,sports,football
⚾ baseball,sports,balls,softball
🥎 softball,sports,balls,game,glove
🏀 basketball,sports,balls,nba,hoop
🏐 volleyball,sports,balls,game
🏈 american football,sports,balls,nfl,gridiron
🏉 rugby football,sports,team,league,union
🎾 tennis,sports,balls,green,ball
🥏 flying disc,sports,frisbee,ultimate,game
🎳 bowling,sports,fun,play,ball
🏏 cricket game,sports,ball,bat,field
🏑 field hockey,sports,ball,game,stick
🏒 ice hockey,sports,game,puck,stick
🥍 lacrosse,sports,ball,stick,game
🏓 ping pong,sports,pingpong,ball,bat
🏸 badminton,sports,birdie,game,racquet
🥊 boxing glove,sports,fighting
🥋 martial arts uniform,judo,karate,taekwondo
🥅 goal net,sports,catch
⛳ flag in hole,sports,business,summer,golf
⛸️ ice skate,sports,skating
🎣 fishing pole,food,hobby,summer,entertainment
🤿 diving mask,sport,ocean,scuba,snorkeling
🎽 running shirt,play,pageant,athletics,marathon
🎿 skis,sports,winter,cold,snow
🛷 sled,sleigh,luge,toboggan,sledge
🥌 curling stone,sports,game,rock
🎯 bullseye,direct hit,game,play,bar
🪀 yo-yo,yo yo,toy,fluctuate,yoyo
🪁 kite,wind,fly,soar,toy
🔫 water pistol,violence,weapon,revolver,gun
🎱 pool 8 ball,hobby,game,luck,magic
🔮 crystal ball,disco,party,magic,circus
🪄 magic wand,supernature,power,witch,wizard
🎮 video game,play,console,ps4,controller
🕹️ joystick,game,play,entertainment,video
🎰 slot machine,bet,gamble,vegas,fruit machine
🎲 game die,dice,random,tabletop,play
🧩 puzzle piece,interlocking,clue,jigsaw
🧸 teddy bear,plush,stuffed,plaything,toy
🪅 piñata,pinata,mexico,candy,celebration
🪩 mirror ball,disco,dance,party,glitter
🪆 nesting dolls,matryoshka,toy,russia,russian
♠️ spade suit,poker,cards,suits,magic
♥️ heart suit,poker,cards,magic,suits
♦️ diamond suit,poker,cards,magic,suits
♣️ club suit,poker,cards,magic,suits
♟️ chess pawn,expendable,black,dupe,game
🃏 joker,poker,cards,game,play
🀄 mahjong red dragon,game,play,chinese,kanji
🎴 flower playing cards,game,sunset,red,activity
🎭 performing arts,acting,theater,drama,activity
🖼️ framed picture,photography,art,museum,painting
🎨 artist palette,design,paint,draw,colors
🧵 thread,needle,sewing,spool,string
🪡 sewing needle,stitches,embroidery,sutures,tailoring
🧶 yarn,ball,crochet,knit,crafts
🪢 knot,rope,scout,tangled,tie`,
  objects: `👓 glasses,fashion,accessories,eyesight,nerdy
🕶️ sunglasses,face,cool,accessories,dark
🥽 goggles,eyes,protection,safety,clothing
🥼 lab coat,doctor,experiment,scientist,chemist
🦺 safety vest,protection,emergency
👔 necktie,shirt,suitup,formal,fashion
👕 t-shirt,t shirt,fashion,cloth,casual
👖 jeans,fashion,shopping,clothing,denim
🧣 scarf,neck,winter,clothes,clothing
🧤 gloves,hands,winter,clothes,clothing
🧥 coat,jacket,clothing
🧦 socks,stockings,clothes,clothing,pair
👗 dress,clothes,fashion,shopping,clothing
👘 kimono,dress,fashion,women,female
🥻 sari,dress,clothing,saree,shari
🩱 one-piece swimsuit,one piece swimsuit,fashion,bathing,clothing
🩲 briefs,clothing,bathing,suit,swim
🩳 shorts,clothing,bathing,pants,suit
👙 bikini,swimming,female,woman,girl
👚 woman’s clothes,woman s clothes,fashion,shopping bags,female
🪭 folding hand fan,flamenco,hot,sensu
👛 purse,fashion,accessories,money,sales
👜 handbag,fashion,accessory,accessories,shopping
👝 clutch bag,accessories,shopping,clothing,pouch
🛍️ shopping bags,mall,buy,purchase,hotel
🎒 backpack,student,education,bag,activity
🩴 thong sandal,footwear,summer,beach,flip
👞 man’s shoe,man s shoe,fashion,male,brown
👟 running shoe,shoes,sports,sneakers,athletic
🥾 hiking boot,backpacking,camping,clothing
🥿 flat shoe,ballet,slipper,clothing
👠 high-heeled shoe,high heeled shoe,fashion,shoes,female
👡 woman’s sandal,woman s sandal,shoes,fashion,flip flops
🩰 ballet shoes,dance,clothing,pointe
👢 woman’s boot,woman s boot,shoes,fashion,boots
🪮 hair pick,afro,comb
👑 crown,king,kod,leader,royalty
👒 woman’s hat,woman s hat,fashion,accessories,female
🎩 top hat,magic,gentleman,classy,circus
🎓 graduation cap,school,college,degree,university
🧢 billed cap,baseball,clothing,hat
🪖 military helmet,army,protection,soldier,warrior
⛑️ rescue worker’s helmet,rescue worker s helmet,construction,build,aid
📿 prayer beads,dhikr,religious,clothing,necklace
💄 lipstick,female,girl,fashion,woman
💍 ring,wedding,propose,marriage,valentines
💎 gem stone,blue,ruby,diamond,jewelry
🔇 muted speaker,sound,volume,silence,quiet
🔈 speaker low volume,sound,silence,broadcast,soft
🔉 speaker medium volume,broadcast,low,one,reduce
🔊 speaker high volume,noise,noisy,broadcast,entertainment
📢 loudspeaker,volume,sound,address,announcement
📣 megaphone,sound,speaker,volume,bullhorn
📯 postal horn,instrument,music,bugle,communication
🔔 bell,sound,notification,christmas,xmas
🔕 bell with slash,sound,volume,mute,quiet
🎼 musical score,treble,clef,compose,activity
🎵 musical note,score,tone,sound,activity
🎶 musical notes,score,activity,entertainment,multiple
🎙️ studio microphone,sing,recording,artist,talkshow
🎚️ level slider,scale,music
🎛️ control knobs,dial,music
🎤 microphone,sound,music,pa,sing
🎧 headphone,music,score,gadgets,activity
📻 radio,communication,music,podcast,program
🎷 saxophone,music,instrument,jazz,blues
🎺 trumpet,music,brass,activity,entertainment
🪗 accordion,music,accordian,box,concertina
🎸 guitar,music,instrument,activity,bass
🎹 musical keyboard,piano,instrument,compose,activity
🎻 violin,music,instrument,orchestra,symphony
🪕 banjo,music,instructment,activity,entertainment
🥁 drum,music,instrument,drumsticks,snare
🪘 long drum,music,beat,conga,djembe
🪇 maracas,music,instrument,percussion,shaker
🪈 flute,bamboo,music,instrument,pied piper
📱 mobile phone,technology,apple,gadgets,dial
📲 mobile phone with arrow,iphone,incoming,call,calling
☎️ telephone,technology,communication,dial,black
📞 telephone receiver,technology,communication,dial,call
📟 pager,bbcall,oldschool,90s,beeper
📠 fax machine,communication,technology,facsimile
🔋 battery,power,energy,sustain,aa
🪫 low battery,drained,dead,electronic,energy
🔌 electric plug,charger,power,ac,adaptor
💻 laptop,technology,screen,display,monitor
🖥️ desktop computer,technology,computing,screen,imac
🖨️ printer,paper,ink,computer
⌨️ keyboard,technology,computer,type,input
🖱️ computer mouse,click,button,three
🖲️ trackball,technology,trackpad,computer
💽 computer disk,technology,record,data,90s
💾 floppy disk,oldschool,technology,save,90s
💿 optical disk,technology,dvd,disc,90s
📀 dvd,cd,disk,disc,computer
🧮 abacus,calculation,count,counting,frame
🎥 movie camera,film,record,activity,cinema
🎞️ film frames,movie,cinema,entertainment,strip
📽️ film projector,video,tape,record,movie
🎬 clapper board,movie,film,record,activity
📺 television,technology,program,oldschool,show
📷 camera,gadgets,photography,digital,entertainment
📸 camera with flash,photography,gadgets,photo,video
📹 video camera,film,record,camcorder,entertainment
📼 videocassette,record,oldschool,90s,80s
🔍 magnifying glass tilted left,search,zoom,find,detective
🔎 magnifying glass tilted right,search,zoom,find,detective
🕯️ candle,fire,wax,light
💡 light bulb,electricity,idea,comic,electric
🔦 flashlight,dark,camping,sight,night
🏮 red paper lantern,light,halloween,spooky,asian
🪔 diya lamp,lighting,oil
📔 notebook with decorative cover,classroom,notes,record,paper
📕 closed book,read,library,knowledge,textbook
📖 open book,read,library,knowledge,literature
📗 green book,read,library,knowledge,study
📘 blue book,read,library,knowledge,learn
📙 orange book,read,library,knowledge,textbook
📚 books,literature,library,study,pile
📓 notebook,stationery,record,notes,paper
📒 ledger,notes,paper,binder,book
📃 page with curl,documents,office,paper,curled
📜 scroll,documents,ancient,history,paper
📄 page facing up,documents,office,paper,information
📰 newspaper,press,headline,communication
🗞️ rolled-up newspaper,rolled up newspaper,press,headline,delivery
📑 bookmark tabs,favorite,save,order,tidy
🔖 bookmark,favorite,label,save,price
🏷️ label,sale,tag
🪙 coin,money,currency,gold,metal
💰 money bag,dollar,payment,coins,sale
💴 yen banknote,money,sales,japanese,dollar
💵 dollar banknote,money,sales,bill,currency
💶 euro banknote,money,sales,dollar,currency
💷 pound banknote,british,sterling,money,sales
💸 money with wings,dollar,bills,payment,sale
💳 credit card,money,sales,dollar,bill
🧾 receipt,accounting,expenses,bookkeeping,evidence
💹 chart increasing with yen,graph,presentation,stats,bank
✉️ envelope,letter,postal,inbox,communication
📧 e-mail,e mail,communication,inbox,email
📨 incoming envelope,email,inbox,communication,fast
📩 envelope with arrow,email,communication,above,down
📤 outbox tray,inbox,email,communication,letter
📥 inbox tray,email,documents,communication,letter
📦 package,mail,gift,cardboard,box
📫 closed mailbox with raised flag,email,inbox,communication,postbox
📪 closed mailbox with lowered flag,email,communication,inbox,postbox
📬 open mailbox with raised flag,email,inbox,communication,postbox
📭 open mailbox with lowered flag,email,inbox,communication,no
📮 postbox,email,letter,envelope,communication
🗳️ ballot box with ballot,election,vote,voting
✏️ pencil,stationery,write,paper,writing
✒️ black nib,pen,stationery,writing,write
🖋️ fountain pen,stationery,writing,write,communication
🖊️ pen,stationery,writing,write,ballpoint
🖌️ paintbrush,drawing,creativity,art,communication
🖍️ crayon,drawing,creativity,communication,left
📝 memo,write,documents,stationery,pencil
💼 briefcase,business,documents,work,law
📁 file folder,documents,business,office,closed
📂 open file folder,documents,load
🗂️ card index dividers,organizing,business,stationery
📅 calendar,schedule,date,day,emoji
📆 tear-off calendar,tear off calendar,schedule,date,planning
🗒️ spiral notepad,memo,stationery
🗓️ spiral calendar,date,schedule,planning,pad
📇 card index,business,stationery,rolodex,system
📈 chart increasing,graph,presentation,stats,recovery
📉 chart decreasing,graph,presentation,stats,recession
📊 bar chart,graph,presentation,stats,metrics
📋 clipboard,stationery,documents
📌 pushpin,stationery,mark,here,location
📍 round pushpin,stationery,location,map,here
📎 paperclip,documents,stationery,clippy
🖇️ linked paperclips,documents,stationery,communication
📏 straight ruler,stationery,calculate,length,math
📐 triangular ruler,stationery,math,architect,sketch
✂️ scissors,stationery,cut,black,cutting
🗃️ card file box,business,stationery,database
🗄️ file cabinet,filing,organizing
🗑️ wastebasket,bin,trash,rubbish,garbage
🔒 locked,security,password,padlock,closed
🔓 unlocked,privacy,security,open,padlock
🔏 locked with pen,security,secret,fountain,ink
🔐 locked with key,security,privacy,closed,secure
🔑 key,lock,door,password,gold
🗝️ old key,lock,door,password,clue
🔨 hammer,tools,build,create,claw
🪓 axe,tool,chop,cut,hatchet
⛏️ pick,tools,dig,mining,pickaxe
⚒️ hammer and pick,tools,build,create,tool
🛠️ hammer and wrench,tools,build,create,spanner
🗡️ dagger,weapon,knife
⚔️ crossed swords,weapon
💣 bomb,boom,explode,explosion,terrorism
🪃 boomerang,weapon,australia,rebound,repercussion
🏹 bow and arrow,sports,archer,archery,sagittarius
🛡️ shield,protection,security,weapon
🪚 carpentry saw,cut,chop,carpenter,hand
🔧 wrench,tools,diy,ikea,fix
🪛 screwdriver,tools,tool
🔩 nut and bolt,handy,tools,fix,screw
⚙️ gear,cog,cogwheel,tool
🗜️ clamp,tool,compress,compression,table
⚖️ balance scale,law,fairness,weight,justice
🦯 white cane,probing cane,accessibility,blind
🔗 link,rings,url,chain,hyperlink
⛓️ chains,lock,arrest
🪝 hook,tools,catch,crook,curve
🧰 toolbox,tools,diy,fix,maintainer
🧲 magnet,attraction,magnetic,horseshoe
🪜 ladder,tools,climb,rung,step
⚗️ alembic,distilling,science,experiment,chemistry
🧪 test tube,chemistry,experiment,lab,science
🧫 petri dish,bacteria,biology,culture,lab
🧬 dna,biologist,genetics,life,double
🔬 microscope,laboratory,experiment,zoomin,science
🔭 telescope,stars,space,zoom,science
📡 satellite antenna,communication,future,radio,space
💉 syringe,health,hospital,drugs,blood
🩸 drop of blood,period,hurt,harm,wound
💊 pill,health,medicine,doctor,pharmacy
🩹 adhesive bandage,heal,aid,doctor,medicine
🩼 crutch,accessibility,assist,aid,cane
🩺 stethoscope,health,doctor,heart,medicine
🩻 x-ray,skeleton,medicine,bones,doctor
🚪 door,house,entry,exit,doorway
🛗 elevator,lift,accessibility,hoist
🪞 mirror,reflection,reflector,speculum
🪟 window,scenery,air,frame,fresh
🛏️ bed,sleep,rest,bedroom,hotel
🛋️ couch and lamp,read,chill,hotel,lounge
🪑 chair,sit,furniture,seat
🚽 toilet,restroom,wc,washroom,bathroom
🪠 plunger,toilet,cup,force,plumber
🚿 shower,clean,water,bathroom,bath
🛁 bathtub,clean,shower,bathroom,bubble
🪤 mouse trap,cheese,bait,mousetrap,rodent
🪒 razor,cut,sharp,shave
🧴 lotion bottle,moisturizer,sunscreen,shampoo
🧷 safety pin,diaper,punk,rock
🧹 broom,cleaning,sweeping,witch,brush
🧺 basket,laundry,farming,picnic
🧻 roll of paper,toilet,towels
🪣 bucket,water,container,cask,pail
🧼 soap,bar,bathing,cleaning,lather
🫧 bubbles,soap,fun,carbonation,sparkling
🪥 toothbrush,hygiene,dental,bathroom,clean
🧽 sponge,absorbing,cleaning,porous
🧯 fire extinguisher,quench
🛒 shopping cart,trolley
🚬 cigarette,kills,tobacco,joint,smoke
⚰️ coffin,vampire,dead,die,death
🪦 headstone,death,rip,grave,cemetery
⚱️ funeral urn,dead,die,death,rip
🧿 nazar amulet,bead,charm,evil,eye
🪬 hamsa,religion,protection,amulet,fatima
🗿 moai,rock,easter island,carving,face
🪧 placard,announcement,demonstration,lawn,picket
🪪 identification card,document,credentials,license,security`,
  symbols: `🏧 atm sign,money,sales,cash,payment
🚮 litter in bin sign,human,info,its,litterbox
🚰 potable water,liquid,restroom,cleaning,faucet
♿ wheelchair symbol,disabled,accessibility,access,accessible
🚹 men’s room,men s room,toilet,restroom,wc
🚺 women’s room,women s room,woman,female,toilet
🚻 restroom,toilet,refresh,wc,gender
🚼 baby symbol,child,change,changing,nursery
🚾 water closet,toilet,restroom,lavatory,wc
🛂 passport control,custom,border,permissions,authorization
🛃 customs,passport,border
🛄 baggage claim,airport,transport
🛅 left luggage,travel,baggage,key,locked
⚠️ warning,exclamation,wip,alert,error
🚸 children crossing,school,warning,danger,sign
⛔ no entry,limit,security,privacy,bad
🚫 prohibited,forbid,stop,limit,denied
🚳 no bicycles,no bikes,bike,cyclist,prohibited
🚭 no smoking,cigarette,smell,smoke,forbidden
🚯 no littering,trash,bin,garbage,circle
🚱 non-potable water,non potable water,drink,faucet,tap
🚷 no pedestrians,rules,crossing,walking,circle
📵 no mobile phones,iphone,mute,circle,cell
🔞 no one under eighteen,18,drink,pub,night
☢️ radioactive,nuclear,danger,international,radiation
☣️ biohazard,danger,sign
⬆️ up arrow,continue,top,direction,black
↗️ up-right arrow,up right arrow,point,direction,diagonal
➡️ right arrow,next,black,cardinal,direction
↘️ down-right arrow,down right arrow,direction,diagonal,southeast
⬇️ down arrow,direction,bottom,black,cardinal
↙️ down-left arrow,down left arrow,direction,diagonal,southwest
⬅️ left arrow,previous,back,black,cardinal
↖️ up-left arrow,up left arrow,point,direction,diagonal
↕️ up-down arrow,up down arrow,direction,way,vertical
↔️ left-right arrow,left right arrow,shape,direction,horizontal
↩️ right arrow curving left,back,return,undo,enter
↪️ left arrow curving right,return,rotate,direction,email
⤴️ right arrow curving up,direction,top,heading,pointing
⤵️ right arrow curving down,direction,bottom,curved,downwards
🔃 clockwise vertical arrows,sync,cycle,round,repeat
🔄 counterclockwise arrows button,sync,cycle,anticlockwise,circle
🔙 back arrow,words,return,above,leftwards
🔚 end arrow,words,above,leftwards
🔛 on! arrow,on arrow,words,above,exclamation
🔜 soon arrow,words,above,rightwards
🔝 top arrow,words,above,up,upwards
🛐 place of worship,religion,church,temple,prayer
⚛️ atom symbol,science,physics,chemistry,atheist
🕉️ om,hinduism,buddhism,sikhism,jainism
✡️ star of david,judaism,jew,jewish,magen
☸️ wheel of dharma,hinduism,buddhism,sikhism,jainism
☯️ yin yang,balance,religion,tao,taoist
✝️ latin cross,christianity,christian,religion
☦️ orthodox cross,suppedaneum,religion,christian
☪️ star and crescent,islam,muslim,religion
☮️ peace symbol,hippie,sign
🕎 menorah,hanukkah,candles,jewish,branches
🔯 dotted six-pointed star,dotted six pointed star,religion,jewish,hexagram
🪯 khanda,sikhism,religion
♈ aries,sign,zodiac,astrology,ram
♉ taurus,sign,zodiac,astrology,bull
♊ gemini,sign,zodiac,astrology,twins
♋ cancer,sign,zodiac,astrology,crab
♌ leo,sign,zodiac,astrology,lion
♍ virgo,sign,zodiac,astrology,maiden
♎ libra,sign,zodiac,astrology,balance
♏ scorpio,sign,zodiac,astrology,scorpion
♐ sagittarius,sign,zodiac,astrology,archer
♑ capricorn,sign,zodiac,astrology,goat
♒ aquarius,sign,zodiac,astrology,bearer
♓ pisces,sign,zodiac,astrology,fish
⛎ ophiuchus,sign,constellation,astrology,bearer
🔀 shuffle tracks button,music,random,arrow,arrows
🔁 repeat button,loop,record,arrow,arrows
🔂 repeat single button,loop,arrow,arrows,circle
▶️ play button,right,direction,arrow,black
⏩ fast-forward button,fast forward button,play,speed,continue
⏭️ next track button,forward,arrow,bar,black
⏯️ play or pause button,arrow,bar,black,double
◀️ reverse button,left,direction,arrow,backward
⏪ fast reverse button,play,arrow,black,double
⏮️ last track button,backward,arrow,bar,black
🔼 upwards button,triangle,direction,point,forward
⏫ fast up button,direction,top,arrow,black
🔽 downwards button,direction,bottom,arrow,pointing
⏬ fast down button,direction,bottom,arrow,black
⏸️ pause button,bar,double,symbol,vertical
⏹️ stop button,black,for,square,symbol
⏺️ record button,black,circle,for,symbol
⏏️ eject button,symbol
🎦 cinema,record,film,movie,curtain
🔅 dim button,sun,afternoon,warm,summer
🔆 bright button,sun,light,brightness,high
📶 antenna bars,reception,phone,internet,connection
🛜 wireless,wifi,internet,contactless,signal
📳 vibration mode,phone,cell,communication,heart
📴 mobile phone off,mute,silence,quiet,cell
♀️ female sign,woman,women,lady,girl
♂️ male sign,man,boy,men,mars
⚧️ transgender symbol,lgbtq,female,lgbt,male
✖️ multiply,multiplication sign,math,calculation,cancel
➕ plus,plus sign,math,calculation,addition
➖ minus,minus sign,math,calculation,subtract
➗ divide,division sign,math,calculation,heavy
🟰 heavy equals sign,math,equality
♾️ infinity,forever,paper,permanent,sign
‼️ double exclamation mark,surprise,bangbang,punctuation,red
⁉️ exclamation question mark,wat,punctuation,surprise,interrobang
❓ red question mark,doubt,confused,black,ornament
❔ white question mark,doubts,gray,huh,confused
❕ white exclamation mark,surprise,punctuation,gray,wow
❗ red exclamation mark,heavy exclamation mark,danger,surprise,punctuation
〰️ wavy dash,draw,line,moustache,mustache
💱 currency exchange,money,sales,dollar,travel
💲 heavy dollar sign,money,sales,payment,currency
⚕️ medical symbol,health,hospital,aesculapius,asclepius
♻️ recycling symbol,arrow,environment,garbage,trash
⚜️ fleur-de-lis,fleur de lis,decorative,scout,new
🔱 trident emblem,weapon,spear,anchor,pitchfork
📛 name badge,fire,forbid,tag,tofu
🔰 japanese symbol for beginner,badge,shield,chevron,green
⭕ hollow red circle,round,correct,heavy,large
✅ check mark button,ok,agree,vote,election
☑️ check box with check,ok,agree,confirm,vote
✔️ check mark,ok,nike,answer,yes
❌ cross mark,no,delete,remove,cancel
❎ cross mark button,x,no,deny,negative
➰ curly loop,scribble,draw,shape,squiggle
➿ double curly loop,tape,cassette,curling,voicemail
〽️ part alternation mark,graph,presentation,stats,business
✳️ eight-spoked asterisk,eight spoked asterisk,star,sparkle
✴️ eight-pointed star,eight pointed star,shape,polygon,black
❇️ sparkle,stars,awesome,good,fireworks
©️ copyright,ip,license,circle,law
®️ registered,alphabet,circle,sign
™️ trade mark,trademark,brand,law,legal
#️⃣ keycap #,symbol,twitter,hash,hashtag
*️⃣ keycap *,star,asterisk
0️⃣ keycap 0,numbers,null,zero,digit
1️⃣ keycap 1,numbers,one,digit
2️⃣ keycap 2,numbers,prime,two,digit
3️⃣ keycap 3,numbers,prime,three,digit
4️⃣ keycap 4,numbers,four,digit
5️⃣ keycap 5,numbers,prime,five,digit
6️⃣ keycap 6,numbers,six,digit
7️⃣ keycap 7,numbers,prime,seven,digit
8️⃣ keycap 8,numbers,eight,digit
9️⃣ keycap 9,numbers,nine,digit
🔟 keycap 10,numbers,ten,number
🔠 input latin uppercase,alphabet,words,letters,abcd
🔡 input latin lowercase,letters,alphabet,abcd,for
🔢 input numbers,1234,1,2,3
🔣 input symbols,music,note,ampersand,percent
🔤 input latin letters,alphabet,abc,for,symbol
🅰️ a button (blood type),alphabet,letter,capital,latin
🆎 ab button (blood type),alphabet,negative,squared
🅱️ b button (blood type),alphabet,letter,capital,latin
🆑 cl button,alphabet,words,clear,sign
🆒 cool button,words,sign,square,squared
🆓 free button,words,sign,squared
ℹ️ information,alphabet,letter,lowercase,source
🆔 id button,words,identification,identity,sign
Ⓜ️ circled m,alphabet,letter,capital,latin
🆕 new button,words,start,fresh,sign
🆖 ng button,words,shape,icon,blooper
🅾️ o button (blood type),alphabet,letter,capital,latin
🆗 ok button,good,agree,yes,okay
🅿️ p button,cars,alphabet,letter,capital
🆘 sos button,help,words,emergency,911
🆙 up! button,up button,above,high,exclamation
🆚 vs button,words,squared,versus
🈁 japanese “here” button,japanese here button,katakana,destination,koko
🈂️ japanese “service charge” button,japanese service charge button,katakana,meaning,or
🈷️ japanese “monthly amount” button,japanese monthly amount button,chinese,moon,kanji
🈶 japanese “not free of charge” button,japanese not free of charge button,chinese,have,kanji
🈯 japanese “reserved” button,japanese reserved button,chinese,point,kanji
🉐 japanese “bargain” button,japanese bargain button,chinese,kanji,obtain
🈹 japanese “discount” button,japanese discount button,cut,divide,chinese
🈚 japanese “free of charge” button,japanese free of charge button,nothing,chinese,kanji
🈲 japanese “prohibited” button,japanese prohibited button,kanji,chinese,forbidden
🉑 japanese “acceptable” button,japanese acceptable button,ok,good,chinese
🈸 japanese “application” button,japanese application button,chinese,kanji,apply
🈴 japanese “passing grade” button,japanese passing grade button,chinese,join,kanji
🈳 japanese “vacancy” button,japanese vacancy button,kanji,chinese,empty
㊗️ japanese “congratulations” button,japanese congratulations button,chinese,kanji,circled
㊙️ japanese “secret” button,japanese secret button,privacy,chinese,sshh
🈺 japanese “open for business” button,japanese open for business button,opening hours,55b6,chinese
🈵 japanese “no vacancy” button,japanese no vacancy button,full,chinese,kanji
🔴 red circle,shape,error,danger,geometric
🟠 orange circle,round,geometric,large
🟡 yellow circle,round,geometric,large
🟢 green circle,round,geometric,large
🔵 blue circle,shape,icon,button,geometric
🟣 purple circle,round,geometric,large
🟤 brown circle,round,geometric,large
⚫ black circle,shape,button,round,geometric
⚪ white circle,shape,round,geometric,medium
🟥 red square,card,geometric,large
🟧 orange square,geometric,large
🟨 yellow square,card,geometric,large
🟩 green square,geometric,large
🟦 blue square,geometric,large
🟪 purple square,geometric,large
🟫 brown square,geometric,large
⬛ black large square,shape,icon,button,geometric
⬜ white large square,shape,icon,stone,button
◼️ black medium square,shape,button,icon,geometric
◻️ white medium square,shape,stone,icon,geometric
◾ black medium-small square,black medium small square,icon,shape,button
◽ white medium-small square,white medium small square,shape,stone,icon
▪️ black small square,shape,icon,geometric
▫️ white small square,shape,icon,geometric
🔶 large orange diamond,shape,jewel,gem,geometric
🔷 large blue diamond,shape,jewel,gem,geometric
🔸 small orange diamond,shape,jewel,gem,geometric
🔹 small blue diamond,shape,jewel,gem,geometric
🔺 red triangle pointed up,shape,direction,top,geometric
🔻 red triangle pointed down,shape,direction,bottom,geometric
💠 diamond with a dot,jewel,blue,gem,crystal
🔘 radio button,input,old,music,circle
🔳 white square button,shape,input,geometric,outlined
🔲 black square button,shape,input,frame,geometric`,
  flags: `🏁 chequered flag,contest,finishline,race,gokart
🚩 triangular flag,mark,milestone,place,pole
🎌 crossed flags,japanese,nation,country,border
🏴 black flag,pirate,waving
🏳️ white flag,losing,loser,lost,surrender
🏳️‍🌈 rainbow flag,pride,gay,lgbt,queer
🏳️‍⚧️ transgender flag,pride,lgbtq,blue,lgbt
🏴‍☠️ pirate flag,skull,crossbones,banner,jolly
🇦🇨 flag ascension island
🇦🇩 flag andorra,ad,nation,country,banner
🇦🇪 flag united arab emirates,nation,country,banner,emirati
🇦🇫 flag afghanistan,nation,country,banner
🇦🇬 flag antigua & barbuda,flag antigua barbuda,nation,country,banner
🇦🇮 flag anguilla,ai,nation,country,banner
🇦🇱 flag albania,nation,country,banner,albanian
🇦🇲 flag armenia,am,nation,country,banner
🇦🇴 flag angola,ao,nation,country,banner
🇦🇶 flag antarctica,aq,nation,country,banner
🇦🇷 flag argentina,nation,country,banner,argentinian
🇦🇸 flag american samoa,ws,nation,country,banner
🇦🇹 flag austria,at,nation,country,banner
🇦🇺 flag australia,nation,country,banner,aussie
🇦🇼 flag aruba,aw,nation,country,banner
🇦🇽 flag åland islands,flag aland islands,nation,country,banner
🇦🇿 flag azerbaijan,nation,country,banner,azerbaijani
🇧🇦 flag bosnia & herzegovina,flag bosnia herzegovina,nation,country,banner
🇧🇧 flag barbados,bb,nation,country,banner
🇧🇩 flag bangladesh,bd,nation,country,banner
🇧🇪 flag belgium,nation,country,banner,belgian
🇧🇫 flag burkina faso,nation,country,banner,burkinabe
🇧🇬 flag bulgaria,bg,nation,country,banner
🇧🇭 flag bahrain,bh,nation,country,banner
🇧🇮 flag burundi,bi,nation,country,banner
🇧🇯 flag benin,bj,nation,country,banner
🇧🇱 flag st. barthélemy,flag st barthelemy,saint,nation,country
🇧🇲 flag bermuda,bm,nation,country,banner
🇧🇳 flag brunei,bn,darussalam,nation,country
🇧🇴 flag bolivia,nation,country,banner,bolivian
🇧🇶 flag caribbean netherlands,bonaire,nation,country,banner
🇧🇷 flag brazil,nation,country,banner,brasil
🇧🇸 flag bahamas,bs,nation,country,banner
🇧🇹 flag bhutan,bt,nation,country,banner
🇧🇻 flag bouvet island,norway
🇧🇼 flag botswana,bw,nation,country,banner
🇧🇾 flag belarus,by,nation,country,banner
🇧🇿 flag belize,bz,nation,country,banner
🇨🇦 flag canada,nation,country,banner,canadian
🇨🇨 flag cocos (keeling) islands,flag cocos islands,nation,country,banner
🇨🇩 flag congo - kinshasa,flag congo kinshasa,democratic,republic,nation
🇨🇫 flag central african republic,nation,country,banner
🇨🇬 flag congo - brazzaville,flag congo brazzaville,nation,country,banner
🇨🇭 flag switzerland,ch,nation,country,banner
🇨🇮 flag côte d’ivoire,flag cote d ivoire,ivory,coast,nation
🇨🇰 flag cook islands,nation,country,banner,islander
🇨🇱 flag chile,nation,country,banner,chilean
🇨🇲 flag cameroon,cm,nation,country,banner
🇨🇳 flag china,chinese,prc,country,nation
🇨🇴 flag colombia,nation,country,banner,colombian
🇨🇵 flag clipperton island
🇨🇷 flag costa rica,nation,country,banner,rican
🇨🇺 flag cuba,nation,country,banner,cuban
🇨🇻 flag cape verde,cabo,nation,country,banner
🇨🇼 flag curaçao,flag curacao,nation,country,banner
🇨🇽 flag christmas island,nation,country,banner
🇨🇾 flag cyprus,nation,country,banner,cypriot
🇨🇿 flag czechia,nation,country,banner,republic
🇩🇪 flag germany,nation,country,banner,de
🇩🇬 flag diego garcia
🇩🇯 flag djibouti,nation,country,banner,djiboutian
🇩🇰 flag denmark,dk,nation,country,banner
🇩🇲 flag dominica,dm,nation,country,banner
🇩🇴 flag dominican republic,nation,country,banner
🇩🇿 flag algeria,dz,nation,country,banner
🇪🇦 flag ceuta & melilla,flag ceuta melilla
🇪🇨 flag ecuador,nation,country,banner,ecuadorian
🇪🇪 flag estonia,ee,nation,country,banner
🇪🇬 flag egypt,nation,country,banner,egyptian
🇪🇭 flag western sahara,nation,country,banner,saharan
🇪🇷 flag eritrea,nation,country,banner,eritrean
🇪🇸 flag spain,nation,country,banner,ceuta
🇪🇹 flag ethiopia,nation,country,banner,ethiopian
🇪🇺 flag european union,banner
🇫🇮 flag finland,nation,country,banner,finnish
🇫🇯 flag fiji,fj,nation,country,banner
🇫🇰 flag falkland islands,malvinas,nation,country,banner
🇫🇲 flag micronesia,federated,states,nation,country
🇫🇴 flag faroe islands,nation,country,banner,islander
🇫🇷 flag france,banner,nation,french,country
🇬🇦 flag gabon,nation,country,banner,gabonese
🇬🇧 flag united kingdom,great,britain,northern,ireland
🇬🇩 flag grenada,gd,nation,country,banner
🇬🇪 flag georgia,nation,country,banner,georgian
🇬🇫 flag french guiana,nation,country,banner,guinean
🇬🇬 flag guernsey,gg,nation,country,banner
🇬🇭 flag ghana,nation,country,banner,ghanaian
🇬🇮 flag gibraltar,nation,country,banner,gibraltarian
🇬🇱 flag greenland,gl,nation,country,banner
🇬🇲 flag gambia,gm,nation,country,banner
🇬🇳 flag guinea,gn,nation,country,banner
🇬🇵 flag guadeloupe,gp,nation,country,banner
🇬🇶 flag equatorial guinea,gn,nation,country,banner
🇬🇷 flag greece,nation,country,banner,greek
🇬🇸 flag south georgia & south sandwich islands,flag south georgia south sandwich islands,nation,country,banner
🇬🇹 flag guatemala,gt,nation,country,banner
🇬🇺 flag guam,nation,country,banner,chamorro
🇬🇼 flag guinea-bissau,flag guinea bissau,gw,nation,country
🇬🇾 flag guyana,gy,nation,country,banner
🇭🇰 flag hong kong sar china,nation,country,banner
🇭🇲 flag heard & mcdonald islands,flag heard mcdonald islands
🇭🇳 flag honduras,hn,nation,country,banner
🇭🇷 flag croatia,hr,nation,country,banner
🇭🇹 flag haiti,ht,nation,country,banner
🇭🇺 flag hungary,nation,country,banner,hungarian
🇮🇨 flag canary islands,nation,country,banner
🇮🇩 flag indonesia,nation,country,banner,indonesian
🇮🇪 flag ireland,ie,nation,country,banner
🇮🇱 flag israel,il,nation,country,banner
🇮🇲 flag isle of man,nation,country,banner,manx
🇮🇳 flag india,nation,country,banner,indian
🇮🇴 flag british indian ocean territory,nation,country,banner,chagos
🇮🇶 flag iraq,iq,nation,country,banner
🇮🇷 flag iran,islamic,republic,nation,country
🇮🇸 flag iceland,is,nation,country,banner
🇮🇹 flag italy,nation,country,banner,indicator
🇯🇪 flag jersey,nation,country,banner
🇯🇲 flag jamaica,jm,nation,country,banner
🇯🇴 flag jordan,nation,country,banner,jordanian
🇯🇵 flag japan,japanese,nation,country,banner
🇰🇪 flag kenya,nation,country,banner,kenyan
🇰🇬 flag kyrgyzstan,kg,nation,country,banner
🇰🇭 flag cambodia,kh,nation,country,banner
🇰🇮 flag kiribati,nation,country,banner
🇰🇲 flag comoros,km,nation,country,banner
🇰🇳 flag st. kitts & nevis,flag st kitts nevis,saint,nation,country
🇰🇵 flag north korea,nation,country,banner,korean
🇰🇷 flag south korea,nation,country,banner,indicator
🇰🇼 flag kuwait,kw,nation,country,banner
🇰🇾 flag cayman islands,nation,country,banner,caymanian
🇰🇿 flag kazakhstan,kz,nation,country,banner
🇱🇦 flag laos,democratic,republic,nation,country
🇱🇧 flag lebanon,lb,nation,country,banner
🇱🇨 flag st. lucia,flag st lucia,saint,nation,country
🇱🇮 flag liechtenstein,nation,country,banner,liechtensteiner
🇱🇰 flag sri lanka,nation,country,banner,lankan
🇱🇷 flag liberia,lr,nation,country,banner
🇱🇸 flag lesotho,ls,nation,country,banner
🇱🇹 flag lithuania,lt,nation,country,banner
🇱🇺 flag luxembourg,nation,country,banner,luxembourger
🇱🇻 flag latvia,lv,nation,country,banner
🇱🇾 flag libya,ly,nation,country,banner
🇲🇦 flag morocco,ma,nation,country,banner
🇲🇨 flag monaco,mc,nation,country,banner
🇲🇩 flag moldova,republic,nation,country,banner
🇲🇪 flag montenegro,me,nation,country,banner
🇲🇫 flag st. martin,flag st martin
🇲🇬 flag madagascar,mg,nation,country,banner
🇲🇭 flag marshall islands,nation,country,banner,marshallese
🇲🇰 flag north macedonia,nation,country,banner,macedonian
🇲🇱 flag mali,ml,nation,country,banner
🇲🇲 flag myanmar (burma),mm,nation,country,banner
🇲🇳 flag mongolia,mn,nation,country,banner
🇲🇴 flag macao sar china,nation,country,banner,macau
🇲🇵 flag northern mariana islands,nation,country,banner,micronesian
🇲🇶 flag martinique,mq,nation,country,banner
🇲🇷 flag mauritania,mr,nation,country,banner
🇲🇸 flag montserrat,ms,nation,country,banner
🇲🇹 flag malta,mt,nation,country,banner
🇲🇺 flag mauritius,mu,nation,country,banner
🇲🇻 flag maldives,mv,nation,country,banner
🇲🇼 flag malawi,mw,nation,country,banner
🇲🇽 flag mexico,mx,nation,country,banner
🇲🇾 flag malaysia,my,nation,country,banner
🇲🇿 flag mozambique,mz,nation,country,banner
🇳🇦 flag namibia,nation,country,banner,namibian
🇳🇨 flag new caledonia,nation,country,banner,caledonian
🇳🇪 flag niger,ne,nation,country,banner
🇳🇫 flag norfolk island,nation,country,banner
🇳🇬 flag nigeria,nation,country,banner,nigerian
🇳🇮 flag nicaragua,nation,country,banner,nicaraguan
🇳🇱 flag netherlands,nl,nation,country,banner
🇳🇴 flag norway,nation,country,banner,bouvet
🇳🇵 flag nepal,np,nation,country,banner
🇳🇷 flag nauru,nr,nation,country,banner
🇳🇺 flag niue,nu,nation,country,banner
🇳🇿 flag new zealand,nation,country,banner,kiwi
🇴🇲 flag oman,om symbol,nation,country,banner
🇵🇦 flag panama,nation,country,banner,panamanian
🇵🇪 flag peru,nation,country,banner,peruvian
🇵🇫 flag french polynesia,nation,country,banner,polynesian
🇵🇬 flag papua new guinea,nation,country,banner,guinean
🇵🇭 flag philippines,nation,country,banner
🇵🇰 flag pakistan,pk,nation,country,banner
🇵🇱 flag poland,pl,nation,country,banner
🇵🇲 flag st. pierre & miquelon,flag st pierre miquelon,saint,nation,country
🇵🇳 flag pitcairn islands,nation,country,banner
🇵🇷 flag puerto rico,nation,country,banner,rican
🇵🇸 flag palestinian territories,palestine,nation,country,banner
🇵🇹 flag portugal,pt,nation,country,banner
🇵🇼 flag palau,pw,nation,country,banner
🇵🇾 flag paraguay,py,nation,country,banner
🇶🇦 flag qatar,nation,country,banner,qatari
🇷🇪 flag réunion,flag reunion,nation,country,banner
🇷🇴 flag romania,nation,country,banner,romanian
🇷🇸 flag serbia,rs,nation,country,banner
🇷🇺 flag russia,russian,federation,nation,country
🇷🇼 flag rwanda,nation,country,banner,rwandan
🇸🇦 flag saudi arabia,nation,country,banner
🇸🇧 flag solomon islands,nation,country,banner
🇸🇨 flag seychelles,sc,nation,country,banner
🇸🇩 flag sudan,sd,nation,country,banner
🇸🇪 flag sweden,se,nation,country,banner
🇸🇬 flag singapore,sg,nation,country,banner
🇸🇭 flag st. helena,flag st helena,saint,ascension,tristan
🇸🇮 flag slovenia,si,nation,country,banner
🇸🇯 flag svalbard & jan mayen,flag svalbard jan mayen
🇸🇰 flag slovakia,sk,nation,country,banner
🇸🇱 flag sierra leone,nation,country,banner,leonean
🇸🇲 flag san marino,nation,country,banner,sammarinese
🇸🇳 flag senegal,sn,nation,country,banner
🇸🇴 flag somalia,nation,country,banner
🇸🇷 flag suriname,sr,nation,country,banner
🇸🇸 flag south sudan,sd,nation,country,banner
🇸🇹 flag são tomé & príncipe,flag sao tome principe,sao,tome,principe
🇸🇻 flag el salvador,nation,country,banner,salvadoran
🇸🇽 flag sint maarten,dutch,nation,country,banner
🇸🇾 flag syria,syrian,arab,republic,nation
🇸🇿 flag eswatini,sz,nation,country,banner
🇹🇦 flag tristan da cunha
🇹🇨 flag turks & caicos islands,flag turks caicos islands,nation,country,banner
🇹🇩 flag chad,td,nation,country,banner
🇹🇫 flag french southern territories,nation,country,banner,antarctic
🇹🇬 flag togo,tg,nation,country,banner
🇹🇭 flag thailand,nation,country,banner
🇹🇯 flag tajikistan,tj,nation,country,banner
🇹🇰 flag tokelau,tk,nation,country,banner
🇹🇱 flag timor-leste,flag timor leste,nation,country,banner
🇹🇲 flag turkmenistan,nation,country,banner
🇹🇳 flag tunisia,tn,nation,country,banner
🇹🇴 flag tonga,nation,country,banner
🇹🇷 flag türkiye,flag turkey,turkey,nation,country
🇹🇹 flag trinidad & tobago,flag trinidad tobago,nation,country,banner
🇹🇻 flag tuvalu,nation,country,banner,tuvaluan
🇹🇼 flag taiwan,tw,nation,country,banner
🇹🇿 flag tanzania,united,republic,nation,country
🇺🇦 flag ukraine,ua,nation,country,banner
🇺🇬 flag uganda,nation,country,banner
🇺🇲 flag u.s. outlying islands,flag u s outlying islands,us
🇺🇳 flag united nations,banner
🇺🇸 flag united states,america,nation,country,banner
🇺🇾 flag uruguay,uy,nation,country,banner
🇺🇿 flag uzbekistan,nation,country,banner,uzbekistani
🇻🇦 flag vatican city,nation,country,banner,vanticanien
🇻🇨 flag st. vincent & grenadines,flag st vincent grenadines,saint,nation,country
🇻🇪 flag venezuela,bolivarian,republic,nation,country
🇻🇬 flag british virgin islands,bvi,nation,country,banner
🇻🇮 flag u.s. virgin islands,flag u s virgin islands,us,nation,country
🇻🇳 flag vietnam,nation,country,banner,vietnamese
🇻🇺 flag vanuatu,vu,nation,country,banner
🇼🇫 flag wallis & futuna,flag wallis futuna,nation,country,banner
🇼🇸 flag samoa,ws,nation,country,banner
🇽🇰 flag kosovo,xk,nation,country,banner
🇾🇪 flag yemen,nation,country,banner
🇾🇹 flag mayotte,yt,nation,country,banner
🇿🇦 flag south africa,nation,country,banner
🇿🇲 flag zambia,zm,nation,country,banner
🇿🇼 flag zimbabwe,zw,nation,country,banner
🏴󠁧󠁢󠁥󠁮󠁧󠁿 flag england,english,cross,st
🏴󠁧󠁢󠁳󠁣󠁴󠁿 flag scotland,scottish,cross,saltire,st
🏴󠁧󠁢󠁷󠁬󠁳󠁿 flag wales,welsh,baner,cymru,ddraig`,
};
